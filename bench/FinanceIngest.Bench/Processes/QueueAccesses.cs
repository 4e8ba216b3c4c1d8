using System.Text.RegularExpressions;

namespace FinanceIngest.Bench.Processes;

/// <summary>Operations on one queue's messages, as Azurite's access log has them.</summary>
internal sealed partial class QueueAccesses
{
    private readonly Dictionary<string, int> _operations = new() { ["put"] = 0, ["get"] = 0, ["delete"] = 0 };

    /// <summary>Put, get and delete; each other operation under its own name.</summary>
    public IReadOnlyDictionary<string, int> ByOperation => _operations;

    /// <summary>All of them.</summary>
    public int Total => _operations.Values.Sum();

    /// <summary>Counts from the first put to the last delete: what idle polls come before and after belongs to no transaction.</summary>
    public static QueueAccesses Count(string queue, IEnumerable<string> log)
    {
        List<string> operations = [.. log.Select(line => Access().Match(line)).Where(match => match.Success && match.Groups["queue"].Value == queue).Select(OperationOf)];
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
