"""The fields of a record, as data: names and values are those of the Dutch and Eurocities standard 0.3.1.

The explanations are our own. ``reads`` and ``practices`` are ours: what the gate lets the algorithm read, and what kind of
use it is by the European Union's rules on artificial intelligence (Regulation (EU) 2024/1689).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

__all__ = ["FIELDS", "PRACTICES", "RISKS", "STANDARD", "Field", "Practice"]

STANDARD: Final = "0.3.1"
RISKS: Final = ("minimal risk", "limited risk", "high risk", "unacceptable")
"""From the least to what nobody may do."""

Kind = Literal["text", "choice", "url", "email", "date", "uuid", "list"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in the standard, its part of the form, its form, and what to write there."""

    name: str
    part: str
    help: str
    kind: Kind = "text"
    required: bool = False
    values: tuple[str, ...] = ()
    low: int = 0
    high: int = 10_000


def _field(line: str, part: str) -> Field:
    """A field from a line: ``name[*][:kind] help``; a star for what is required."""
    head, _, help = line.strip().partition(" ")
    name, _, kind = head.partition(":")
    required = name.endswith("*")
    return Field(name.rstrip("*"), part, help, kind or "text", required)  # type: ignore[arg-type]


_DOMAINS: Final = (
    "taxes",
    "housing, living and living environment",
    "culture, sports and leisure",
    "defence",
    "economy and entrepreneurship",
    "family, youth and households",
    "finance",
    "generic",
    "health and health care",
    "immigration and integration",
    "international collaboration and development aid",
    "agriculture, nature and food",
    "environment, spacial planning and water",
    "education and science",
    "public safety",
    "government",
    "justice",
    "travel, living and working abroad",
    "subsidies, benefits and allowances",
    "traffic and transportation",
    "work and career",
)
"""As the standard spells them."""

_VALUES: Final = {
    "status": (
        "planned",
        "design",
        "development",
        "pilot",
        "evaluation",
        "operational",
        "retired",
    ),
    "domain": _DOMAINS,
    "risk_category": RISKS,
    "algorithm_type": ("self-learning", "rule-based", "hybrid"),
    "type": ("descriptive", "diagnostic", "predictive", "prescriptive"),
}

_TABLE: Final = {
    "Basic information": """
        name* What the use of the algorithm is called
        organization* Who answers for it, by the official name
        department* The department or team that uses it
        country* The country of the organization
        contact_email*:email Where to ask about it
        contact_phone Where to ask by telephone
        contact_name Whom to ask
        description_short* What it does, in at most 150 characters
        website:url A page about it
        status*:choice How far it is
        remark What else is to be known
        lang* Language of the record, by ISO 639-1
        keywords Words under which it is found
        revision_date*:date When the record must be looked at again
        revision_note Why then""",
    "Use": """
        decision_making_process* The process of the city in which it is used
        domain*:choice The field of public life
        area* The area in which it is used
        goal* What it is for, and how it helps to get there
        impact* How people notice it, and what follows for them
        risks* Which risks were found, how, and what is done about them
        risk_category*:choice The class of risk
        practices:list What kind of use it is by the EU's rules on artificial intelligence
        proportionality* Why it is needed, and worth the harm that it could do
        lawful_basis* The act or decision on which it rests
        documentation:url More about this use""",
    "Data": """
        reads*:list The types of entities that it may read; the gate gives it no others
        training_data* What it was trained on, and why on that; or that it was not trained
        source_data* What it works on, and what each source is for
        data_bias What in the data is one-sided, and what is done about it
        connected_data_sources* Which registers it is connected to, or none
        DPIA_description The main points of the data protection impact assessment
        DPIA_url:url The whole assessment""",
    "Algorithm": """
        description How it works, from data to decision, in 500 to 10,000 characters
        algorithm_type*:choice Whether it learns or follows rules
        methods_and_models The methods and models by name
        performance How good it is, and how that was measured
        alternatives_considered What else was thought of, and why this was taken
        product_information:url Its entry in a central register, or its publiccode.yml
        codebase_url:url Its source code
        product_page:url The page of the product
        AIA_description The main points of the algorithm's impact assessment
        AIA_url:url The whole assessment""",
    "Oversight": """
        type*:choice Whether it describes, explains, predicts or prescribes
        monitoring* What is expected of it, and how that is watched
        human_intervention* Who can step in, and how
        objection_procedure* How people object
        rollback Whether what it did can be undone""",
}


def _all() -> dict[str, Field]:
    found = {}
    for part, text in _TABLE.items():
        for line in text.strip().splitlines():
            plain = _field(line, part)
            low = 500 if plain.name == "description" else 0
            high = 150 if plain.name == "description_short" else 10_000
            found[plain.name] = Field(
                plain.name,
                part,
                plain.help,
                plain.kind,
                plain.required,
                _VALUES.get(plain.name, ()),
                low,
                high,
            )
    return found


FIELDS: Final = MappingProxyType(_all())
"""Every field that is filled in, by name, in the order of the form."""


@dataclass(frozen=True, slots=True)
class Practice:
    """A kind of use that the EU's rules name: the risk that it has at least, and where they say so."""

    risk: str
    rule: str
    words: str


def _practices() -> dict[str, Practice]:
    table = {
        "unacceptable": """
            manipulation|Art. 5(1)(a)|Influences people below their awareness, so that they harm themselves
            exploiting-weakness|Art. 5(1)(b)|Exploits age, disability or need
            social-scoring|Art. 5(1)(c)|Rates people by their behaviour, to their disadvantage
            crime-prediction-of-persons|Art. 5(1)(d)|Predicts crimes of persons from their profile
            face-scraping|Art. 5(1)(e)|Collects faces from the internet or from cameras
            emotion-at-work-or-school|Art. 5(1)(f)|Reads emotions at work or at school
            biometric-categorisation|Art. 5(1)(g)|Concludes beliefs, origin or orientation from the body
            remote-biometric-identification|Art. 5(1)(h)|Recognises people in public space""",
        "high risk": """
            biometrics|Annex III(1)|Biometric systems that are not prohibited
            infrastructure-safety|Annex III(2)|Safety of traffic, water, gas, heat or electricity
            education|Annex III(3)|Decides on access to education, or marks
            employment|Annex III(4)|Chooses or rates workers
            essential-services|Annex III(5)|Decides on benefits, credit, insurance or emergency calls
            law-enforcement|Annex III(6)|Used by law enforcement
            migration|Annex III(7)|Decides on migration, asylum or borders
            justice-and-democracy|Annex III(8)|Used in courts, or to influence votes""",
        "limited risk": """
            talks-with-people|Art. 50(1)|Talks with people, who must know that it is a machine
            synthetic-media|Art. 50(2)|Makes pictures, sound or text, which must be marked
            emotion-recognition|Art. 50(3)|Reads emotions where that is allowed; people must know
            altered-media|Art. 50(4)|Alters pictures or sound of real people; must be said""",
    }
    found = {}
    for risk, text in table.items():
        for line in text.strip().splitlines():
            name, rule, words = line.strip().split("|")
            found[name] = Practice(risk, rule, words)
    return found


PRACTICES: Final = MappingProxyType(_practices())
"""Kinds of use by name; what has none of them is of minimal risk."""
