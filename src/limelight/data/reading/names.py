"""Common names of the id, the clock, the label and row numbers, in English, German, French and Spanish."""

from __future__ import annotations

import re
import unicodedata

LIKELY = {
    "id": (
        "series", "id", "sample_id", "sample", "recording_id", "recording", "case_id", "case", "unit_id", "uid",
        "run_id", "measurement_id", "trial_id", "test_id", "file", "filename", "file_name",
        "messung", "mess_id", "messungs_id", "messungsnummer", "messnummer", "messreihe", "aufnahme", "aufzeichnung",
        "probe", "proben_id", "probennummer", "versuch", "versuchsnummer", "zeitreihe", "serie", "serien_id", "datei",
        "identifiant", "enregistrement", "essai", "echantillon", "fichier",
        "registro", "ensayo", "muestra", "medicion", "archivo",
    ),
    "time": (
        "timestamp", "datetime", "date", "ts", "t", "time_step", "timestep", "step", "date_time", "elapsed",
        "elapsed_time", "time_s", "time_ms", "t_s", "t_ms",
        "zeit", "zeitstempel", "zeitpunkt", "uhrzeit", "datum", "datum_uhrzeit", "zeit_s", "zeit_ms",
        "temps", "horodatage", "horodate", "heure", "temps_s", "temps_ms",
        "tiempo", "fecha", "hora", "marca_de_tiempo", "fecha_hora", "tiempo_s", "tiempo_ms",
    ),
    "label": (
        "class", "target", "activity", "category", "outcome",
        "klasse", "kategorie", "zielgroesse", "zielgrosse", "befund", "diagnose",
        "classe", "etiquette", "categorie", "cible",
        "clase", "etiqueta", "categoria", "objetivo",
    ),
}  # fmt: skip
"""Other common names of these columns, as ``plain_name`` writes them."""
STATES = (
    "state", "status", "condition", "fault", "failure", "defect", "diagnosis", "result",
    "zustand", "fehler", "fehlerart", "ergebnis", "etat", "defaut", "panne", "estado", "fallo", "averia",
)  # fmt: skip
"""Names of a label if the column is constant within each series; otherwise the column may be a signal."""
ROW_NUMBERS = re.compile(
    r"|unnamed:? ?\d+(_level_\d+)?|index|level_\d+|__index_level_\d+__|row(_?(number|nr|no|id))?|rownum"
)


def plain_name(name: str) -> str:
    """Return a column name in lower case, without accents, without a unit in brackets and with underscores.

    Example
    -------
    >>> plain_name("Zeit [s]"), plain_name("Étiquette"), plain_name("Sample-ID"), plain_name("x[0]")
    ('zeit', 'etiquette', 'sample_id', 'x[0]')
    """
    bare = re.sub(r"\s*[\[(][^\d)\]][^)\]]*[\])]$", "", name.strip()) or name.strip()
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare)
    letters = unicodedata.normalize("NFKD", words.replace("ß", "ss").replace("ẞ", "ss"))
    return re.sub(r"[\s\-./]+", "_", "".join(one for one in letters if not unicodedata.combining(one)).lower())


def is_named(name: str, role: str) -> bool:
    """Whether a column has a common name of the id, the clock or the label.

    Example
    -------
    >>> is_named("Messung", "id"), is_named("time", "time"), is_named("speed", "time")
    (True, True, False)
    """
    default = "series_id" if role == "id" else role
    return plain_name(name) in (default, *LIKELY[role])


def is_named_as_row_number(name: str) -> bool:
    """Whether a column has a name that tables in memory use for the numbers of their rows.

    Example
    -------
    >>> [is_named_as_row_number(name) for name in ("", "Unnamed: 0", "__index_level_0__", "index", "speed")]
    [True, True, True, True, False]
    """
    return ROW_NUMBERS.fullmatch(name.strip().lower()) is not None
