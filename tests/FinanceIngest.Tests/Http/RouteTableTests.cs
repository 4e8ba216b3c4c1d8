using FinanceIngest.Configuration;
using FinanceIngest.Http;

namespace FinanceIngest.Tests.Http;

public sealed class RouteTableTests
{
    private static readonly RouteTable s_table = Table(
        "GET /",
        "GET /healthz",
        "POST /api/transactions",
        "POST /api/transactions/batch",
        "GET /api/transactions/{id}",
        "DELETE /api/transactions/{id}",
        "PUT /api/transactions/{id}/feedback",
        "DELETE /api/transactions/{id}/feedback",
        "GET /api/users/{user_id}/insights",
        "GET /api/users/me",
        "GET /api/users/{user_id}/notification-destinations",
        "DELETE /api/users/{user_id}/notification-destinations/{id}");

    [Theory]
    [InlineData("GET", "/", "/")]
    [InlineData("GET", "/healthz", "/healthz")]
    [InlineData("GET", "/healthz/", "/healthz")]
    [InlineData("GET", "/healthz///", "/healthz")]
    [InlineData("GET", "/HealthZ", "/healthz")]
    [InlineData("POST", "/API/Transactions/", "/api/transactions")]
    [InlineData("POST", "/api/transactions/batch", "/api/transactions/batch")]
    [InlineData("POST", "/api/transactions/BATCH", "/api/transactions/batch")]
    [InlineData("GET", "/api/users/me", "/api/users/me")]
    public void A_path_without_parameters_finds_its_route(string method, string path, string template) =>
        Assert.Equal(template, s_table.Find(method, path).Route.Template);

    [Theory]
    [InlineData("GET", "/api/transactions/1", "/api/transactions/{id}", "id=1")]
    [InlineData("GET", "/api/transactions/aB/", "/api/transactions/{id}", "id=aB")]
    [InlineData("PUT", "/api/transactions/1/feedback", "/api/transactions/{id}/feedback", "id=1")]
    [InlineData("DELETE", "/API/TRANSACTIONS/aB/FEEDBACK", "/api/transactions/{id}/feedback", "id=aB")]
    [InlineData("GET", "/api/users/7/insights", "/api/users/{user_id}/insights", "user_id=7")]
    [InlineData("DELETE", "/api/users/7/notification-destinations/9", "/api/users/{user_id}/notification-destinations/{id}", "user_id=7 id=9")]
    public void A_parameter_stands_anywhere_in_a_path_and_keeps_its_text(string method, string path, string template, string expected)
    {
        (Route route, RouteValues values) = s_table.Find(method, path);
        Assert.Equal(template, route.Template);
        Assert.All(expected.Split(' ').Select(pair => pair.Split('=')), pair => Assert.Equal(pair[1], values[pair[0]]));
    }

    [Theory]
    [InlineData("/api/transactions/a%2Fb", "a%2Fb")]
    [InlineData("/api/transactions/{id}", "{id}")]
    [InlineData("/api/transactions/ ", " ")]
    [InlineData("/api/transactions/'; DROP TABLE x; --", "'; DROP TABLE x; --")]
    public void A_parameter_takes_any_text_without_a_slash(string path, string text) => Assert.Equal(text, s_table.Find("GET", path).Values["id"]);

    [Fact]
    public void A_literal_that_leads_nowhere_leaves_the_path_to_the_parameter()
    {
        Assert.Equal("me", s_table.Find("GET", "/api/users/me/insights").Values["user_id"]);
        Assert.Equal("batch", s_table.Find("PUT", "/api/transactions/batch/feedback").Values["id"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("//")]
    [InlineData("///")]
    [InlineData("//healthz")]
    [InlineData("/healthz/x")]
    [InlineData("/healthz2")]
    [InlineData("/health")]
    [InlineData("/api")]
    [InlineData("/api//transactions")]
    [InlineData("/api/users")]
    [InlineData("/api/users//insights")]
    [InlineData("/api/users/7")]
    [InlineData("/api/users/7/insights/1")]
    [InlineData("/api/transactions//feedback")]
    [InlineData("/api/transactions//1")]
    [InlineData("/api/transactions/1/other")]
    [InlineData("/api/transactions/1//feedback")]
    [InlineData("/api%2Ftransactions")]
    public void Another_path_is_404(string path)
    {
        ProblemException e = Assert.Throws<ProblemException>(() => s_table.Find("GET", path));
        Assert.Equal(404, e.Problem.Status);
    }

    [Theory]
    [InlineData("GET", "/api/transactions", "POST")]
    [InlineData("GET", "/api/transactions/batch", "POST")]
    [InlineData("DELETE", "/api/transactions/batch", "POST")]
    [InlineData("POST", "/api/transactions/1", "GET, DELETE")]
    [InlineData("GET", "/api/transactions/1/feedback", "PUT, DELETE")]
    [InlineData("HEAD", "/api/transactions/1/feedback", "PUT, DELETE")]
    [InlineData("get", "/healthz", "GET")]
    public void Another_method_is_405_with_those_that_are_allowed(string method, string path, string allowed)
    {
        ProblemException e = Assert.Throws<ProblemException>(() => s_table.Find(method, path));
        Assert.Equal(405, e.Problem.Status);
        Assert.Equal([("Allow", allowed)], e.Problem.Headers);
    }

    [Fact]
    public void HEAD_finds_the_route_of_GET() => Assert.Equal("1", s_table.Find("HEAD", "/api/transactions/1").Values["id"]);

    [Theory]
    [InlineData("GET /a", "GET /a")]
    [InlineData("GET /a", "GET /A")]
    [InlineData("GET /a/{x}", "GET /a/{y}")]
    [InlineData("GET /a/{x}", "PUT /a/{y}")]
    [InlineData("GET /a/{x}/b/{y}", "GET /A/{x}/B/{y}")]
    public void Ambiguous_routes_are_refused_by_name(string first, string second)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => Table("GET /", first, second));
        Assert.Equal($"The routes {first} and {second} are ambiguous.", e.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("//")]
    [InlineData("/a/")]
    [InlineData("/a//b")]
    [InlineData("/a/{}")]
    [InlineData("/a/{x")]
    [InlineData("/a/x}")]
    [InlineData("/a/{{x}}")]
    [InlineData("/a/b{x}")]
    [InlineData("/a/{x}.json")]
    [InlineData("/a/{x}/{x}")]
    public void A_malformed_template_is_refused(string template) => Assert.Contains(
        $"The template '{template}' is malformed", Assert.Throws<ArgumentException>(() => Table($"GET {template}")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("1", 1L)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("0", null)]
    [InlineData("-1", null)]
    [InlineData("+1", null)]
    [InlineData("1.0", null)]
    [InlineData(" 1", null)]
    [InlineData("9223372036854775808", null)]
    [InlineData("me", null)]
    public void A_parameter_is_read_as_a_number(string text, long? number) =>
        Assert.Equal(number, s_table.Find("GET", $"/api/users/{text}/insights").Values.Number("user_id"));

    [Theory]
    [InlineData("01a204d7-059f-8d5a-a9c0-40695736d4e3", true)]
    [InlineData("01A204D7-059F-8D5A-A9C0-40695736D4E3", true)]
    [InlineData("01a204d7059f8d5aa9c040695736d4e3", false)]
    [InlineData("{01a204d7-059f-8d5a-a9c0-40695736d4e3}", false)]
    [InlineData("1", false)]
    public void A_parameter_is_read_as_a_UUID(string text, bool isUuid) =>
        Assert.Equal(isUuid ? Guid.Parse(text) : null, s_table.Find("GET", $"/api/transactions/{text}").Values.Uuid("id"));

    [Fact]
    public void A_parameter_that_the_template_does_not_have_is_a_bug()
    {
        Assert.Throws<ArgumentException>(() => s_table.Find("GET", "/api/transactions/1").Values["user_id"]);
        Assert.Throws<ArgumentException>(() => s_table.Find("GET", "/healthz").Values.Uuid("id"));
    }

    private static RouteTable Table(params string[] routes) => new(routes.Select(route => route.Split(' ', 2)).Select(
        pair => new Route(pair[0], pair[1], Scopes.None, (_, _) => throw new InvalidOperationException("The table calls no endpoint."))));
}
