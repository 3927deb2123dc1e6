"""The terms of the NGSI-LD core @context, version 1.9 (ETSI GS CIM 009 V1.9.1, annex B).

The document is regular: almost every term stands for the same name under the NGSI-LD namespace, some
with a type coercion or a container. So it is kept as lists of names by rule and put together once.
"""

from __future__ import annotations

from typing import Any, Final

from hansa.ngsild.model import DEFAULT_VOCABULARY, NGSI_LD

__all__ = ["CORE_CONTEXT", "CORE_URL", "CORE_URLS"]

CORE_URL: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"

CORE_URLS: Final = frozenset(
    f"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context{suffix}.jsonld"
    for suffix in ("", *(f"-v1.{minor}" for minor in range(10)))
)
"""Addresses under which some version of the core @context is published; all mean the built-in one."""

_GEOJSON: Final = "https://purl.org/geojson/vocab#"

_PLAIN = """
    Attribute AttributeList ContextSourceIdentity ContextSourceNotification ContextSourceRegistration
    Date DateTime EntityMap EntityType EntityTypeInfo EntityTypeList ExecutionResultDetails GeoProperty
    JsonProperty LanguageProperty ListProperty ListRelationship Notification Property Relationship
    Snapshot SnapshotNotification Subscription TemporalProperty Time VocabProperty accept aggrParams
    aggrMethods aggrPeriodDuration attributeCount attributeDetails attrs cacheDuration collation
    contextSourceAlias contextSourceInfo contextSourceUptime cooldown csf data detail endpoint entities
    entity entityCount error errors expandValues format geoQ geoproperty georel idPattern information
    isActive join jsonKeys jsonldContext lang lastN linkedMaps localOnly location management
    managementInterval mode ngsildConformance notification notificationTrigger notifierInfo notUpdated
    observationInterval observationSpace omit operations operationSpace ordering pick q reason
    receiverInfo refreshRate registrationName resultStatus scope scopeQ showChanges snapshotLifetime
    snapshotPriority snapshotStatus status subscriptionName sysAttrs temporalQ throttling timeInterval
    timeout timeproperty timerel timesFailed timesSent triggerReason unchanged unitCode updated uri
    registrationId snapshotId
""".split()

_RENAMED = {
    "containedBy": "isContainedBy",
    "entityMapLifetime": "hasEntityMapLifetime",
    "joinLevel": "hasJoinLevel",
    "key": "hasKey",
    "previousValue": "hasPreviousValue",
    "splitEntities": "hasSplitEntities",
    "value": "hasValue",
}

_GEOJSON_TERMS = """
    Feature FeatureCollection GeometryCollection LineString MultiLineString MultiPoint MultiPolygon
    Point Polygon geometry properties
""".split()

_DATE_TIMES = """
    contextSourceTimeAt createdAt deletedAt endAt endTimeAt expiresAt lastFailure lastNotification
    lastSuccess lastUsedAt modifiedAt notifiedAt observedAt startAt timeAt
""".split()

_VOCABULARY_VALUED = """
    attributeList attributeName attributeNames attributeTypes attributes propertyNames
    relationshipNames typeList typeName typeNames watchedAttributes
""".split()

_LISTS = """
    avg distinctCount entityList jsons max min orderBy snapshotQueries snapshotQueriesDetails
    snapshotTemporalQueries snapshotTemporalQueriesDetails stddev sum sumsq totalCount
""".split()

_LISTS_RENAMED = """
    languageMaps objectList objectLists objects previousObjectList previousValueList valueList
    valueLists values vocabs
""".split()

_IDENTIFIERS = "datasetId entityId instanceId subscriptionId success tenant".split()


def _has(term: str) -> str:
    return f"ngsi-ld:has{term[0].upper()}{term[1:]}"


def _document() -> dict[str, Any]:
    terms: dict[str, Any] = {
        "@version": 1.1,
        "@protected": True,
        "ngsi-ld": NGSI_LD,
        "geojson": _GEOJSON,
        "id": "@id",
        "type": "@type",
        "description": "http://purl.org/dc/terms/description",
        "title": "http://purl.org/dc/terms/title",
        "langString": "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString",
        "bbox": {"@container": "@list", "@id": "geojson:bbox"},
        "coordinates": {"@container": "@list", "@id": "geojson:coordinates"},
        "features": {"@container": "@set", "@id": "geojson:features"},
        "contextSourceExtras": {"@id": "ngsi-ld:contextSourceExtras", "@type": "@json"},
        "problemDetails": {"@id": "ngsi-ld:problemDetails", "@type": "@json"},
        "json": {"@id": "ngsi-ld:hasJSON", "@type": "@json"},
        "previousJson": {"@id": "ngsi-ld:hasPreviousJson", "@type": "@json"},
        "ngsildproof": {
            "@id": "ngsi-ld:ngsildproof",
            "@context": [
                {
                    "entityIdSealed": "ngsi-ld:entityIdSealed",
                    "entityTypeSealed": {"@id": "ngsi-ld:entityTypeSealed", "@type": "@vocab"},
                },
                "https://w3id.org/security/data-integrity/v2",
            ],
        },
    }
    terms |= {term: f"ngsi-ld:{term}" for term in _PLAIN}
    terms |= {term: f"ngsi-ld:{name}" for term, name in _RENAMED.items()}
    terms |= {term: f"geojson:{term}" for term in _GEOJSON_TERMS}
    terms |= {term: {"@id": f"ngsi-ld:{term}", "@type": "DateTime"} for term in _DATE_TIMES}
    terms |= {term: {"@id": f"ngsi-ld:{term}", "@type": "@vocab"} for term in _VOCABULARY_VALUED}
    terms |= {term: {"@id": f"ngsi-ld:{term}", "@container": "@list"} for term in _LISTS}
    terms |= {term: {"@id": _has(term), "@container": "@list"} for term in _LISTS_RENAMED}
    terms["vocabs"] = {"@id": "ngsi-ld:hasVocabs", "@container": "@list"}
    terms |= {term: {"@id": f"ngsi-ld:{term}", "@type": "@id"} for term in _IDENTIFIERS}
    terms |= {term: {"@id": _has(term), "@type": "@id"} for term in ("object", "previousObject")}
    for term in ("objectType", "valueType", "vocab", "previousVocab"):
        terms[term] = {"@id": _has(term), "@type": "@vocab"}
    for term in ("languageMap", "previousLanguageMap"):
        terms[term] = {"@id": _has(term), "@container": "@language"}
    for term in ("dataset", "entityMap"):
        terms[term] = {"@id": _has(term), "@container": "@index"}
    terms["@vocab"] = DEFAULT_VOCABULARY
    return terms


CORE_CONTEXT: Final[dict[str, Any]] = {"@context": _document()}
"""The core @context as a JSON-LD document."""
