using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FinanceIngest.Health;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>Checks requests and responses against the OpenAPI document: behaviour that it does not describe fails a test.</summary>
internal sealed class ApiDescription
{
    // The document describes these headers, which the API itself sets, and none that the web server sets.
    private static readonly string[] s_ownHeaders = ["Location", "Retry-After", "Preference-Applied", "Allow", "WWW-Authenticate"];
    private static readonly string[] s_problemMembers = ["type", "title", "status", "detail", "errors", "rejected", "rejected_count"];

    private readonly JsonNode _document;
    private readonly DescribedSchemas _schemas;

    private ApiDescription(ReadOnlySpan<byte> utf8)
    {
        _document = JsonNode.Parse(utf8)!;
        _schemas = new DescribedSchemas(_document["components"]!["schemas"]!.AsObject());
    }

    public static ApiDescription Instance { get; } = new(OpenApiEndpoints.Document.Span);

    /// <summary>Every operation: its method, its path, and the scopes that its security names. Null means that the operation needs no key.</summary>
    public IEnumerable<(string Method, string Path, string? Scope)> Operations =>
        from path in Paths
        from operation in path.Value!.AsObject()
        select (operation.Key.ToUpperInvariant(), path.Key, ScopeOf(operation.Value!));

    /// <summary>The names of every operation's query parameters.</summary>
    public IEnumerable<(string Method, string Path, string Parameters)> QueryParameters =>
        from path in Paths
        from operation in path.Value!.AsObject()
        let parameters = (operation.Value!["parameters"]?.AsArray() ?? []).Select(parameter => Resolve(parameter!))
        select (
            operation.Key.ToUpperInvariant(),
            path.Key,
            string.Join(", ", parameters.Where(parameter => (string?)parameter["in"] == "query").Select(parameter => (string)parameter["name"]!).Order()));

    private JsonObject Paths => _document["paths"]!.AsObject();

    /// <summary>Returns every example in the document, with its place and its schema.</summary>
    public IEnumerable<(string Where, JsonNode Schema, JsonNode Example)> Examples() => Examples(_document, "#");

    /// <summary>Returns the ways in which a JSON text violates a schema; an empty list when it is valid.</summary>
    public IReadOnlyList<string> Validate(JsonNode schema, string json) => _schemas.Validate(schema, json);

    /// <summary>Fails the test unless the document describes the response.</summary>
    public void CheckResponse(string method, string path, Answer answer)
    {
        string where = $"{method} {path} {answer.Status}";
        JsonNode? operation = Find(method, path);
        JsonNode? response = operation is not null ? operation["responses"]![answer.Status.ToString(CultureInfo.InvariantCulture)]
            : answer.Status is 404 ? _document["components"]!["responses"]!["NotFound"]
            : answer.Status is 405 ? _document["components"]!["responses"]!["MethodNotAllowed"]
            : null;
        Assert.True(response is not null, $"{where} is not described: {answer.Text}");
        response = Resolve(response);
        CheckHeaders(where, response["headers"]?.AsObject() ?? [], answer);
        if (method == "HEAD" || response["content"] is null)
        {
            Assert.Empty(answer.Body);
            return;
        }

        JsonNode? content = answer.MediaType is null ? null : response["content"]![answer.MediaType];
        Assert.True(content is not null, $"{where}: the media type {answer.MediaType} is not described: {answer.Text}");
        AssertValid(where, content["schema"]!, answer.Text);

        // One schema describes a submission's 200 and 202, so that generated clients have one type for it; which status goes with which is checked here.
        Assert.True(answer.Status is not (200 or 202) || path is not ("/api/transactions" or "/api/score-transaction")
            || (answer.Status == 202) == (answer.String("status") == "pending"), $"{where}: {answer.Text}");
        if (answer.MediaType == "application/problem+json")
        {
            Assert.Equal(answer.String("type")!.EndsWith(":validation", StringComparison.Ordinal), answer.Json.TryGetProperty("errors", out _));
            Assert.Subset(s_problemMembers.ToHashSet(), answer.Json.EnumerateObject().Select(member => member.Name).ToHashSet());
        }
    }

    /// <summary>Fails the test when the API accepted a body that the document does not allow.</summary>
    public void CheckRequest(string method, string path, string? mediaType, byte[]? body, Answer answer)
    {
        bool isAccepted = body is not null && answer.Status is 200 or 202
            && !(answer.Json.TryGetProperty("rejected", out JsonElement rejected) && rejected.GetArrayLength() > 0);
        if (isAccepted && mediaType == "application/json" && Find(method, path)?["requestBody"] is { } described)
        {
            AssertValid($"{method} {path}, request", described["content"]![mediaType]!["schema"]!, new StreamReader(new MemoryStream(body!)).ReadToEnd());
        }
    }

    // OpenAPI has scopes for OAuth 2 alone, so they stand beside the schemes. An operation with a scope takes every scheme, and one without takes none.
    private string? ScopeOf(JsonNode operation)
    {
        string? scope = (string?)operation["x-scope"];
        IEnumerable<string> schemes = operation["security"]!.AsArray().Select(scheme => scheme!.AsObject().Single().Key);
        Assert.Equal(scope is null ? [] : _document["components"]!["securitySchemes"]!.AsObject().Select(scheme => scheme.Key), schemes);
        return scope;
    }

    private void CheckHeaders(string where, JsonObject described, Answer answer)
    {
        foreach (string name in s_ownHeaders)
        {
            string? value = answer.Header(name);
            JsonNode? header = described[name] is { } node ? Resolve(node) : null;
            Assert.False(value is not null && header is null, $"{where}: the header {name} is not described.");
            Assert.False(value is null && (bool?)header?["required"] == true, $"{where}: the header {name} is missing.");
            if (value is not null)
            {
                bool isNumber = (string?)header!["schema"]!["type"] == "integer";
                AssertValid($"{where}, {name}", header["schema"]!, isNumber ? value : JsonSerializer.Serialize(value));
            }
        }
    }

    private void AssertValid(string where, JsonNode schema, string json)
    {
        IReadOnlyList<string> errors = Validate(schema, json);
        Assert.True(errors.Count == 0, $"{where} is not as described: {string.Join("; ", errors)}: {(json.Length > 2000 ? json[..2000] : json)}");
    }

    private JsonNode? Find(string method, string path)
    {
        string template = Paths.ContainsKey(path) ? path
            : path.StartsWith("/api/transactions/", StringComparison.Ordinal)
                ? path.EndsWith("/feedback", StringComparison.Ordinal) ? "/api/transactions/{id}/feedback" : "/api/transactions/{id}"
            : path.Split('/') is ["", "api", "users", _, .. var rest] ? rest switch
            {
                [var what] => $"/api/users/{{user_id}}/{what}",
                [var what, _] => $"/api/users/{{user_id}}/{what}/{{id}}",
                _ => "/api/users/{user_id}",
            }
            : path.StartsWith("/api/poison/", StringComparison.Ordinal) ? "/api/poison/{message_id}"
            : path.StartsWith("/api/notifications/", StringComparison.Ordinal) ? "/api/notifications/{id}/again"
            : path;
        return Paths[template]?[method == "HEAD" ? "get" : method.ToLowerInvariant()];
    }

    private JsonNode Resolve(JsonNode node)
    {
        while ((string?)node["$ref"] is { } reference)
        {
            node = reference.Split('/').Skip(1).Aggregate(_document, (parent, name) => parent[name]!);
        }

        return node;
    }

    private static IEnumerable<(string Where, JsonNode Schema, JsonNode Example)> Examples(JsonNode? node, string where)
    {
        if (node is JsonArray array)
        {
            return array.SelectMany((item, index) => Examples(item, $"{where}/{index}"));
        }

        if (node is not JsonObject here)
        {
            return [];
        }

        IEnumerable<(string, JsonNode, JsonNode)> own = (here["schema"], here["examples"]) switch
        {
            ({ } schema, JsonObject named) => named.Select(example => ($"{where}/examples/{example.Key}", schema, example.Value!["value"]!)),
            ({ } schema, null) when here["example"] is { } example => [($"{where}/example", schema, example)],
            (null, JsonArray list) => list.Select((example, index) => ($"{where}/examples/{index}", (JsonNode)here, example!)),
            _ => [],
        };
        return own.Concat(here.SelectMany(member => Examples(member.Value, $"{where}/{member.Key}")));
    }
}
