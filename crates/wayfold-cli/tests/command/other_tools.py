"""Prints what pm4py and r4pm count in an object-centric log and in an event log, as one object of JSON.

usage: other_tools.py OCEL XES
"""
import json
import sys
import warnings

warnings.filterwarnings("ignore")

import pm4py
import r4pm.df

ocel_file, xes_file = sys.argv[1:]

ocel = pm4py.read_ocel2_json(ocel_file)
said = ocel.object_changes[ocel.object_changes["ocel:field"] == "lifecycle_stage"]
log = pm4py.convert_to_dataframe(pm4py.read_xes(xes_file, variant="iterparse"))
graph, _, _ = pm4py.discover_dfg(log)
by_pm4py = {
    "events": len(ocel.events),
    "objects": len(ocel.objects),
    "relations": len(ocel.relations),
    # Of the values of an attribute it keeps the first with the object.
    "stages": len(said) + int(ocel.objects["lifecycle_stage"].notna().sum()),
    "cases": int(log["case:concept:name"].nunique()),
    "case_events": len(log),
    "edges": len(graph),
    "passes": int(sum(graph.values())),
}

ocel = r4pm.df.import_ocel_json(ocel_file)
log, _ = r4pm.df.import_xes(xes_file)
by_r4pm = {
    "events": len(ocel["events"]),
    "objects": len(ocel["objects"]),
    "relations": len(ocel["relations"]),
    "cases": int(log["case:concept:name"].n_unique()),
    "case_events": len(log),
}
print(json.dumps({"pm4py": by_pm4py, "r4pm": by_r4pm}))
