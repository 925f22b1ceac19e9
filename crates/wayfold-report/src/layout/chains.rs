//! Edges as chains from rank to rank, by way of bends.

use super::{Graph, Size};

/// What stands in a rank: a node, or a bend of an edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vertex {
    pub(super) rank: usize,
    /// How far it reaches to each side of its middle.
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) height: f64,
    pub(super) is_bend: bool,
}

/// The vertices of a graph and the links between neighbouring ranks.
#[derive(Debug)]
pub(super) struct Chains {
    /// The nodes first, in their order.
    pub(super) vertices: Vec<Vertex>,
    /// The vertices of each rank, from left to right.
    pub(super) ranks: Vec<Vec<usize>>,
    /// Neighbours one rank above, and one below.
    pub(super) above: Vec<Vec<usize>>,
    pub(super) below: Vec<Vec<usize>>,
    /// The vertices of each edge from top to bottom, nodes included; of a loop the node alone.
    pub(super) of_edges: Vec<Vec<usize>>,
    /// Which vertex of each edge carries its label.
    pub(super) labels: Vec<usize>,
}

/// How far a loop stands out at the right of its node.
pub(super) const LOOP: f64 = 26.0;

impl Chains {
    pub(super) fn new(graph: &Graph, layers: &[usize]) -> Self {
        let node = |(size, layer): (&Size, &usize)| Vertex {
            rank: 2 * layer,
            left: size.width / 2.0,
            right: size.width / 2.0,
            height: size.height,
            is_bend: false,
        };
        let vertices: Vec<_> = graph.nodes.iter().zip(layers).map(node).collect();
        let mut chains = Self {
            above: vec![Vec::new(); vertices.len()],
            below: vec![Vec::new(); vertices.len()],
            vertices,
            ranks: Vec::new(),
            of_edges: Vec::new(),
            labels: Vec::new(),
        };
        for edge in &graph.edges {
            let (from, to) = (edge.from, edge.to);
            if from == to {
                chains.add_loop(from, edge.label);
            } else {
                let (top, bottom) = if layers[from] < layers[to] { (from, to) } else { (to, from) };
                chains.add(top, bottom, edge.label);
            }
        }
        let ranks = chains.vertices.iter().map(|vertex| vertex.rank + 1).max().unwrap_or_default();
        chains.ranks = vec![Vec::new(); ranks];
        chains.fill_ranks();
        chains
    }

    /// Loops of one node stand in each other; all labels lie beside them, one below the other.
    fn add_loop(&mut self, node: usize, label: Size) {
        let earlier = self.of_edges.iter().filter(|vertices| *vertices == &[node]).count() as f64;
        let vertex = &mut self.vertices[node];
        vertex.right = vertex.right.max(vertex.left + LOOP + label.width + 4.0);
        vertex.height = vertex.height.max((earlier + 1.0) * label.height);
        self.of_edges.push(vec![node]);
        self.labels.push(node);
    }

    fn add(&mut self, top: usize, bottom: usize, label: Size) {
        let (from, to) = (self.vertices[top].rank, self.vertices[bottom].rank);
        // The odd rank in the middle, rather above it.
        let middle = from + 1 + (to - from - 2) / 4 * 2;
        let mut vertices = vec![top];
        for rank in from + 1..to {
            let (width, height) = if rank == middle { (label.width, label.height) } else { (BEND, 0.0) };
            let bend = Vertex { rank, left: width / 2.0, right: width / 2.0, height, is_bend: true };
            if rank == middle {
                self.labels.push(self.vertices.len());
            }
            vertices.push(self.vertices.len());
            self.vertices.push(bend);
            self.above.push(Vec::new());
            self.below.push(Vec::new());
        }
        vertices.push(bottom);
        for link in vertices.windows(2) {
            self.below[link[0]].push(link[1]);
            self.above[link[1]].push(link[0]);
        }
        self.of_edges.push(vertices);
    }

    /// Puts vertices into their ranks in the order in which they are reached from the top: neighbours near each other.
    fn fill_ranks(&mut self) {
        let mut reached = vec![false; self.vertices.len()];
        let mut by_rank: Vec<usize> = (0..self.vertices.len()).collect();
        by_rank.sort_by_key(|vertex| self.vertices[*vertex].rank);
        for start in by_rank {
            let mut open = vec![start];
            while let Some(vertex) = open.pop() {
                if !std::mem::replace(&mut reached[vertex], true) {
                    self.ranks[self.vertices[vertex].rank].push(vertex);
                    open.extend(self.below[vertex].iter().rev());
                }
            }
        }
    }
}

/// The room of an edge that passes a rank.
const BEND: f64 = 6.0;
