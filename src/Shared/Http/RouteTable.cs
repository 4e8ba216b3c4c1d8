namespace FinanceIngest.Http;

/// <summary>
/// Finds the route of a request. All templates form one tree with a level for each segment, so a path is walked once, however many routes there are.
/// </summary>
/// <remarks>
/// A literal segment, whose case is ignored, wins over a parameter; where the literal leads to no route, the parameter is tried. Slashes at the end of a path
/// are ignored. An empty segment matches nothing.
/// </remarks>
internal sealed class RouteTable
{
    private readonly Node _root = new();

    /// <param name="routes">All routes.</param>
    /// <exception cref="ArgumentException">A template is malformed, or two routes answer the same method on the same path.</exception>
    public RouteTable(IEnumerable<Route> routes)
    {
        Routes = [.. routes];
        foreach (Route route in Routes)
        {
            Add(route);
        }
    }

    /// <summary>All routes, in the order in which they were given.</summary>
    public IReadOnlyList<Route> Routes { get; }

    /// <summary>The route of a request, and the parameters in its path.</summary>
    /// <param name="method">HTTP method.</param>
    /// <param name="path">Decoded path, starting with a slash.</param>
    /// <exception cref="ProblemException">404: no route has that path. 405: the path has no route with that method.</exception>
    public (Route Route, RouteValues Values) Find(string method, string path)
    {
        ReadOnlySpan<char> segments = path == "/" ? "" : path.AsSpan().TrimEnd('/');
        if ((segments.IsEmpty && path != "/") || Find(_root, segments, 0, out string[] texts) is not { } leaf)
        {
            throw Problems.NotFound("No such route; /openapi.json lists them.");
        }

        Route route = leaf.Routes.Find(route => route.Method == method || (route.Method == "GET" && method == "HEAD"))
            ?? throw Problems.MethodNotAllowed(string.Join(", ", leaf.Routes.Select(route => route.Method)));
        return (route, new RouteValues(leaf.Names, texts));
    }

    // The rest of the path is empty, or starts with the slash before its next segment. The texts of parameters are filled in on the way back.
    private static Node? Find(Node node, ReadOnlySpan<char> rest, int parameters, out string[] texts)
    {
        texts = [];
        if (rest.IsEmpty)
        {
            texts = parameters == 0 ? [] : new string[parameters];
            return node.Routes.Count == 0 ? null : node;
        }

        ReadOnlySpan<char> segment = NextSegment(rest, out ReadOnlySpan<char> behind);
        if (node.Literals.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(segment, out Node? literal)
            && Find(literal, behind, parameters, out texts) is { } byLiteral)
        {
            return byLiteral;
        }

        if (segment.IsEmpty || node.Parameter is null || Find(node.Parameter, behind, parameters + 1, out texts) is not { } byParameter)
        {
            return null;
        }

        texts[parameters] = segment.ToString();
        return byParameter;
    }

    private void Add(Route route)
    {
        Node node = _root;
        var names = new List<string>();
        for (ReadOnlySpan<char> rest = Segments(route); !rest.IsEmpty;)
        {
            ReadOnlySpan<char> segment = NextSegment(rest, out rest);
            if (segment is ['{', .., '}'] && !segment[1..^1].IsEmpty && !segment[1..^1].ContainsAny('{', '}'))
            {
                names.Add(segment[1..^1].ToString());
                node = node.Parameter ??= new Node();
            }
            else if (!segment.IsEmpty && !segment.ContainsAny('{', '}'))
            {
                Dictionary<string, Node>.AlternateLookup<ReadOnlySpan<char>> literals = node.Literals.GetAlternateLookup<ReadOnlySpan<char>>();
                node = literals.TryGetValue(segment, out Node? known) ? known : literals[segment] = new Node();
            }
            else
            {
                throw Malformed(route);
            }
        }

        if (names.Distinct().Count() < names.Count)
        {
            throw Malformed(route);
        }

        if (node.Routes.Find(other => other.Method == route.Method || !node.Names.SequenceEqual(names)) is { } same)
        {
            throw new ArgumentException($"The routes {same.Method} {same.Template} and {route.Method} {route.Template} are ambiguous.");
        }

        node.Names = [.. names];
        node.Routes.Add(route);
    }

    private static ReadOnlySpan<char> Segments(Route route) =>
        route.Template == "/" ? "" : route.Template.StartsWith('/') ? route.Template : throw Malformed(route);

    private static ReadOnlySpan<char> NextSegment(ReadOnlySpan<char> rest, out ReadOnlySpan<char> behind)
    {
        ReadOnlySpan<char> segment = rest[1..];
        int end = segment.IndexOf('/');
        behind = end < 0 ? "" : segment[end..];
        return end < 0 ? segment : segment[..end];
    }

    private static ArgumentException Malformed(Route route) => new(
        $"The template '{route.Template}' is malformed: it must be '/' or segments that each follow one slash, "
        + "and a segment is a text or a parameter such as {id} with a name of its own.");

    /// <summary>The point in the tree to which the first segments of a path lead.</summary>
    private sealed class Node
    {
        public Dictionary<string, Node> Literals { get; } = new(StringComparer.OrdinalIgnoreCase);

        public Node? Parameter { get; set; }

        /// <summary>The routes of the path that ends here; they differ in their methods alone.</summary>
        public List<Route> Routes { get; } = [];

        /// <summary>The names of the path's parameters, in their order.</summary>
        public string[] Names { get; set; } = [];
    }
}
