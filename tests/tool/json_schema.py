# SPDX-License-Identifier: Apache-2.0
"""Checks a document against the part of JSON Schema that docs/coffer.schema.json is written in, and no more of it."""
import re

KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "pattern", "minimum", "$ref",
         "description"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}


def problems(document, schema, definitions, at="$"):
    """What is wrong with the document, one line each; a schema that says what is not known here is an error."""
    unknown = set(schema) - KNOWN
    if unknown:
        raise ValueError(f"{at}: the schema has {sorted(unknown)}, which is not checked here")
    if "$ref" in schema:
        return problems(document, definitions[schema["$ref"].removeprefix("#/$defs/")], definitions, at)
    if "anyOf" in schema:
        ways = [problems(document, way, definitions, at) for way in schema["anyOf"]]
        # Of several ways that fail, the one that comes nearest says most.
        return [] if not all(ways) else min(ways, key=len)
    if "enum" in schema:
        return [] if document in schema["enum"] else [f"{at}: {document!r} is none of {schema['enum']}"]
    if "type" in schema:
        wanted = TYPES[schema["type"]]
        if not isinstance(document, wanted) or isinstance(document, bool) != (wanted is bool):
            return [f"{at}: expected {schema['type']}, found {document!r}"]
    found = []
    if isinstance(document, dict):
        found += object_problems(document, schema, definitions, at)
    elif isinstance(document, list):
        for number, item in enumerate(document):
            found += problems(item, schema.get("items", {}), definitions, f"{at}[{number}]")
    elif isinstance(document, str) and not re.search(schema.get("pattern", ""), document):
        found.append(f"{at}: {document!r} does not match {schema['pattern']}")
    elif isinstance(document, int) and document < schema.get("minimum", document):
        found.append(f"{at}: {document} is less than {schema['minimum']}")
    return found


def object_problems(document, schema, definitions, at):
    members, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in document]
    for name, value in document.items():
        if name in members:
            found += problems(value, members[name], definitions, f"{at}.{name}")
        elif more is False:
            found.append(f"{at}: {name} is not in the schema")
        elif isinstance(more, dict):
            found += problems(value, more, definitions, f"{at}.{name}")
    return found
