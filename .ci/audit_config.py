"""Writes a NuGet configuration in which the package source given is the only one, and the source of advisories too."""

import sys
from xml.etree import ElementTree

configuration = ElementTree.Element("configuration")
for name in ("packageSources", "auditSources"):
    sources = ElementTree.SubElement(configuration, name)
    ElementTree.SubElement(sources, "clear")
    ElementTree.SubElement(sources, "add", {"key": "registry", "value": sys.argv[1]})

ElementTree.indent(configuration)
ElementTree.ElementTree(configuration).write(sys.stdout, encoding="unicode")
print()
