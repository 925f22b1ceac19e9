//! Layered drawing of directed graphs, after Sugiyama, Tagawa and Toda, "Methods for visual understanding of
//! hierarchical system structures" (1981): turn back edges round, put nodes into layers, order each layer so that few
//! edges cross, and give everything its place.
//!
//! Nodes stand in even ranks, labels of edges in the odd ranks between them, so that no label lies upon a node.

mod acyclic;
mod chains;
mod layers;
mod order;
mod place;
mod route;

pub(crate) use self::route::Route;

/// A graph to be drawn. Edges may form cycles, join a node with itself, and be several between two nodes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Size>,
    pub(crate) edges: Vec<GraphEdge>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct GraphEdge {
    /// Places in the nodes.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The heavier, the less gladly an edge is turned round or drawn long.
    pub(crate) weight: u64,
    pub(crate) label: Size,
}

/// Where everything stands, from the top left, in pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The middles of the nodes.
    pub(crate) nodes: Vec<(f64, f64)>,
    /// In the order of the edges.
    pub(crate) routes: Vec<Route>,
}

/// Lays a graph out, from the top down. Equal graphs are laid out equally.
pub(crate) fn lay_out(graph: &Graph) -> Layout {
    let sequence = acyclic::sequence(graph);
    let layers = layers::layers(graph, &sequence);
    let mut chains = chains::Chains::new(graph, &layers);
    order::reduce_crossings(&mut chains);
    let places = place::place(&chains);
    route::route(graph, &chains, &places)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn graph_of(nodes: usize, edges: Vec<(usize, usize, u64)>) -> Graph {
        let label = Size { width: 40.0, height: 16.0 };
        let edge = |(from, to, weight)| GraphEdge { from: from % nodes, to: to % nodes, weight, label };
        let size = |node: usize| Size { width: 60.0 + (node % 4) as f64 * 30.0, height: 34.0 };
        Graph { nodes: (0..nodes).map(size).collect(), edges: edges.into_iter().map(edge).collect() }
    }

    fn graph() -> impl Strategy<Value = Graph> {
        (1..14_usize, vec((0..20_usize, 0..20_usize, 1..500_u64), 0..40))
            .prop_map(|(nodes, edges)| graph_of(nodes, edges))
    }

    fn overlap((a, of_a): ((f64, f64), Size), (b, of_b): ((f64, f64), Size)) -> bool {
        let near = |a: f64, b: f64, sizes: f64| (a - b).abs() < sizes / 2.0 - 1e-6;
        near(a.0, b.0, of_a.width + of_b.width) && near(a.1, b.1, of_a.height + of_b.height)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn nothing_overlaps_and_every_edge_is_drawn_from_node_to_node(graph in graph()) {
            let layout = lay_out(&graph);
            prop_assert_eq!(&layout, &lay_out(&graph), "equal graphs are laid out equally");
            prop_assert_eq!(layout.nodes.len(), graph.nodes.len());
            prop_assert_eq!(layout.routes.len(), graph.edges.len());

            let boxes: Vec<_> = layout.nodes.iter().copied().zip(graph.nodes.iter().copied()).collect();
            let labels: Vec<_> = layout.routes.iter().map(|route| route.label).zip(graph.edges.iter().map(|edge| edge.label)).collect();
            let all: Vec<_> = boxes.iter().chain(&labels).collect();
            for (number, one) in all.iter().enumerate() {
                for other in &all[number + 1..] {
                    prop_assert!(!overlap(**one, **other), "{one:?} lies upon {other:?}");
                }
                let ((x, y), size) = one;
                prop_assert!(x - size.width / 2.0 >= -1e-6 && x + size.width / 2.0 <= layout.width + 1e-6);
                prop_assert!(y - size.height / 2.0 >= -1e-6 && y + size.height / 2.0 <= layout.height + 1e-6);
            }
            let touches = |point: (f64, f64), node: usize| {
                let ((x, y), size) = boxes[node];
                let (across, down) = ((point.0 - x).abs() - size.width / 2.0, (point.1 - y).abs() - size.height / 2.0);
                across <= 1e-6 && down <= 1e-6 && (across.abs() <= 1e-6 || down.abs() <= 1e-6)
            };
            for (edge, route) in graph.edges.iter().zip(&layout.routes) {
                prop_assert!(touches(route.points[0], edge.from), "{edge:?} begins at its node: {route:?}");
                prop_assert!(touches(*route.points.last().unwrap(), edge.to), "{edge:?} ends at its node: {route:?}");
                prop_assert_eq!(route.is_back, edge.from == edge.to || layout.nodes[edge.from].1 > layout.nodes[edge.to].1);
            }
        }

        #[test]
        fn edges_of_a_graph_without_cycles_all_point_down(graph in graph()) {
            let edges = graph.edges.iter().filter(|edge| edge.from != edge.to);
            let down = edges.map(|edge| GraphEdge { from: edge.from.min(edge.to), to: edge.from.max(edge.to), ..*edge });
            let graph = Graph { nodes: graph.nodes.clone(), edges: down.collect() };
            let layout = lay_out(&graph);
            prop_assert!(layout.routes.iter().all(|route| !route.is_back));
        }
    }

    #[test]
    fn the_lightest_edge_of_a_cycle_is_turned_round() {
        let layout = lay_out(&graph_of(3, vec![(0, 1, 10), (1, 2, 10), (2, 0, 1)]));
        let back: Vec<_> = layout.routes.iter().map(|route| route.is_back).collect();
        assert_eq!(back, [false, false, true]);
    }

    #[test]
    fn a_graph_that_can_be_drawn_without_crossings_is() {
        // Two ways that share their ends, given in an order in which they would cross.
        let graph = graph_of(6, vec![(0, 2, 1), (0, 1, 1), (1, 4, 1), (2, 3, 1), (3, 5, 1), (4, 5, 1)]);
        let layers = layers::layers(&graph, &acyclic::sequence(&graph));
        let mut chains = chains::Chains::new(&graph, &layers);
        order::reduce_crossings(&mut chains);
        assert_eq!(order::crossings(&chains), 0);
    }

    #[test]
    fn nothing_is_laid_out_as_nothing() {
        let layout = lay_out(&Graph::default());
        assert!(layout.nodes.is_empty() && layout.width >= 0.0);
    }
}
