using FinanceIngest.Health;
using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

public abstract class HealthTests(HeadFixture head)
{
    private readonly ApiClient _nobody = head.Client.WithKey(null);

    [Fact]
    public async Task It_is_alive() => Assert.Equal("""{"status":"ok"}""", (await _nobody.GetAsync("/healthz")).Is(200).Text);

    [Fact]
    public async Task It_is_ready_and_names_its_dependencies()
    {
        Answer answer = (await _nobody.GetAsync("/readyz")).Is(200);
        Assert.Equal("ready", answer.String("status"));
        Assert.Equal(
            ["alert_queue", "database", "inbound_queue", "poison_queue", "signing_key"],
            answer.Json.GetProperty("dependencies").EnumerateObject().Select(dependency => dependency.Name).Order());
        Assert.Equal("ok", answer.Json.GetProperty("dependencies").GetProperty("inbound_queue").GetString());
    }

    [Fact]
    public async Task Its_description_is_the_one_that_these_tests_hold_it_to() =>
        Assert.Equal(OpenApiEndpoints.Document.ToArray(), (await _nobody.GetAsync("/openapi.json")).Is(200).Body);

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    [InlineData("/openapi.json")]
    public async Task A_wrong_key_does_not_matter_here(string path) => (await head.Client.WithKey("wrong").GetAsync(path)).Is(200);
}

[Collection(ServerHead.Collection)]
public sealed class ServerHealthTests(ServerHead head) : HealthTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionHealthTests(FunctionHead head) : HealthTests(head);
