"""check_wheel.py SOURCE WHEEL WHEEL…: checks that each wheel consists of the files of the package in the source folder, byte for byte, its metadata and the
licence, and that all wheels have the same contents."""

import pathlib
import sys
import zipfile


def contents(path):
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def main(source, *wheels):
    source = pathlib.Path(source)
    package = {str(path.relative_to(source)): path.read_bytes() for path in (source / "finance_ingest").rglob("*") if path.is_file()}
    problems = []
    for path in wheels:
        wheel = contents(path)
        metadata = {name for name in wheel if name.split("/")[0].endswith(".dist-info")}
        problems += [f"{path}: {name} is missing" for name in sorted(package.keys() - wheel.keys())]
        problems += [f"{path}: {name} is no part of the package" for name in sorted(wheel.keys() - package.keys() - metadata)]
        problems += [f"{path}: {name} is another than in the source" for name in sorted(package.keys() & wheel.keys()) if package[name] != wheel[name]]
        licences = [wheel[name] for name in metadata if name.endswith("/LICENSE")]
        if licences != [pathlib.Path("LICENSE").read_bytes()]:
            problems.append(f"{path}: the licence is missing or another than the repository's")
        if wheel != contents(wheels[0]):
            problems.append(f"{path}: it differs from {wheels[0]}")

    for problem in problems:
        print(problem)
    if not problems:
        print(f"{len(package)} files")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
