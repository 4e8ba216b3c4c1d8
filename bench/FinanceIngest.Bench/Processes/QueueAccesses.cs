using System.Text.RegularExpressions;

namespace FinanceIngest.Bench.Processes;

/// <summary>The operations on one queue's messages, from Azurite's access log.</summary>
internal sealed partial class QueueAccesses
{
    private readonly Dictionary<string, int> _operations = new() { ["put"] = 0, ["get"] = 0, ["delete"] = 0 };

    /// <summary>The counts by operation.</summary>
    public IReadOnlyDictionary<string, int> ByOperation => _operations;

    /// <summary>The number of all operations.</summary>
    public int Total => _operations.Values.Sum();

    /// <summary>Counts the operations from the first put to the last delete. Idle polls before and after belong to no transaction.</summary>
    public static QueueAccesses Count(string queue, IEnumerable<string> log)
    {
        List<string> operations =
        [
            .. log.Select(line => Access().Match(line)).Where(match => match.Success && match.Groups["queue"].Value == queue).Select(OperationOf),
        ];
        int first = operations.IndexOf("put");
        int last = operations.LastIndexOf("delete");
        var accesses = new QueueAccesses();
        foreach (string operation in first < 0 ? [] : operations[first..(last + 1)])
        {
            accesses._operations[operation] = accesses._operations.GetValueOrDefault(operation) + 1;
        }

        return accesses;
    }

    private static string OperationOf(Match match) => match.Groups["method"].Value switch
    {
        "POST" => "put",
        "GET" => "get",
        "DELETE" => "delete",
        _ => "renewal of a lease",
    };

    [GeneratedRegex("\"(?<method>[A-Z]+) /[^/]+/(?<queue>[^/?]+)/messages[^\"]*\"")]
    private static partial Regex Access();
}
