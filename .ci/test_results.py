"""test_results.py FOLDER: reads the .trx files that dotnet test wrote to a folder. It prints each skipped test with its reason, then the classes that took
longest, and last "N passed, N failed, N skipped"."""

import collections
import pathlib
import sys
import xml.etree.ElementTree as xml

SPACE = {"t": "http://microsoft.com/schemas/VisualStudio/TeamTest/2010"}
SLOWEST = 10


def seconds(duration):
    hours, minutes, rest = duration.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def main(folder):
    outcomes = collections.Counter()
    time_of_class = collections.Counter()
    for path in sorted(pathlib.Path(folder).glob("*.trx")):
        root = xml.parse(path).getroot()
        class_of_test = {test.get("id"): test.find("t:TestMethod", SPACE).get("className") for test in root.iterfind(".//t:UnitTest", SPACE)}
        for result in root.iterfind(".//t:UnitTestResult", SPACE):
            outcomes[result.get("outcome")] += 1
            time_of_class[class_of_test[result.get("testId")]] += seconds(result.get("duration", "00:00:00"))
            if result.get("outcome") == "NotExecuted":
                reason = result.find(".//t:Message", SPACE)
                if reason is None:
                    reason = result.find(".//t:StdOut", SPACE)
                print("SKIPPED:", result.get("testName"), "-", (reason.text or "").strip() if reason is not None else "")

    # Test classes run in parallel, so these times add up to more than the duration of the run.
    print("The classes whose tests took longest:")
    for name, time in time_of_class.most_common(SLOWEST):
        print(f"{time:8.1f} s  {name}")
    print(f"{outcomes['Passed']} passed, {outcomes['Failed']} failed, {outcomes['NotExecuted']} skipped")


main(*sys.argv[1:])
