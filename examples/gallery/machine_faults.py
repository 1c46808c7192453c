"""
Machine faults: the same vibration means different things
=========================================================

A vibration that is normal at high speed is a fault at low speed. The series alone cannot tell the two apart; the
operating point is metadata. The series are drawn, so that the right answer is known.
"""

# %%
# Draw recordings of pumps
# ------------------------
# Vibration grows with the speed, and is 60 % stronger on average if a pump is worn. Speed and maker are metadata.

import numpy as np
import pyarrow as pa

import limelight as ll

random = np.random.default_rng(0)
pumps = 240
worn = np.arange(pumps) % 2 == 1
speed = random.uniform(1, 5, pumps)
level = speed * np.where(worn, random.uniform(1.35, 1.85, pumps), 1)
values = random.normal(size=(pumps, 80, 1)) * level[:, None, None]
panel = ll.Panel.from_series(
    list(values),
    channels=["vibration"],
    units={"vibration": "mm/s"},
    labels=np.where(worn, "worn", "fine"),
    metadata=pa.table({"log_speed": np.log(speed), "maker": random.choice(["Alba", "Borg", "Cima"], pumps)}),
)
train, test = panel.split(test=0.25)
figure = panel[:4].plot()

# %%
# With and without metadata
# -------------------------
# ``fusion=[]`` ignores the metadata; by default they join the features of the series, next to the head.

scores = {}
for name, fusion in (("series alone", []), ("series and metadata", "late")):
    model = ll.TimeSeriesClassifier("blocks", fusion=fusion, random_state=0).fit(train)
    scores[name] = model.score(test, test.labels)
    print(f"{name}: accuracy {scores[name]:.3f}")

# %%
# What the metadata contributed
# -----------------------------
# The evidence is split over steps and metadata fields. The speed matters, the maker was drawn at random and does not.

explanation = model.explain(test, target="worn")
for name, evidence in explanation.fields.items():
    print(f"{name:10} contributes {np.abs(evidence).mean():.2f} to the log odds, on average")

# %%
# A prediction for a new pump
# ---------------------------
# The same recording at two speeds. A word or a number that training did not contain is allowed, with a note.

recording = [random.normal(size=(80, 1)) * 3.0]
for new_speed in (1.8, 3.0):
    metadata = pa.table({"log_speed": [np.log(new_speed)], "maker": ["Alba"]})
    new = ll.Panel.from_series(recording, channels=["vibration"], metadata=metadata)
    probability = model.predict_proba(new)[0, list(model.classes_).index("worn")]
    print(f"at speed {new_speed}: worn with probability {probability:.2f}")
