using FinanceIngest.Configuration;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Tests.Http;

/// <summary>Behind a proxy that serves the API under a path, an address without it leads nowhere.</summary>
[Needs(Outside.Program)]
public sealed class PublicUrlTests(PublicServer server) : IClassFixture<PublicServer>
{
    private const string Url = "https://ingest.example/finance";

    [Theory]
    [InlineData("/api/transactions")]
    [InlineData("/api/score-transaction")]
    public async Task Where_the_result_will_be_begins_with_it(string path)
    {
        Answer answer = (await server.Client.PostAsync(path, Requests.Transaction(), ("Prefer", "respond-async"), ("X-Forwarded-Prefix", "/other"))).Is(202);
        Assert.Equal($"{Url}/api/transactions/{answer.Id}", answer.String("status_url"));
        Assert.Equal(answer.String("status_url"), answer.Header("Location"));
    }

    [Fact]
    public async Task The_description_names_it_as_the_server() =>
        Assert.Equal(Url, (await server.Client.GetAsync("/openapi.json")).Is(200).Json.GetProperty("servers")[0].GetProperty("url").GetString());
}

/// <summary>A server without a scorer that is reached under a path of another host.</summary>
public sealed class PublicServer() : ServerFixture(
    [.. Keys, ("FinanceIngest__Roles", "intake"), ("FinanceIngest__PublicUrl", "https://ingest.example/finance/")]);

/// <summary>Which addresses the setting takes, and how it stores them.</summary>
public sealed class PublicUrlSettingTests
{
    [Theory]
    [InlineData("https://ingest.example", "https://ingest.example")]
    [InlineData("https://ingest.example/", "https://ingest.example")]
    [InlineData("HTTPS://Ingest.Example:443/Finance//", "https://ingest.example/Finance")]
    [InlineData(" http://10.0.0.7:8080/a/b ", "http://10.0.0.7:8080/a/b")]
    [InlineData("http://[::1]:7071", "http://[::1]:7071")]
    [InlineData("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC")]
    [InlineData("https://ingest.example/@team", "https://ingest.example/@team")]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void An_address_is_kept_without_its_slash(string? value, string? url) => Assert.Equal(url, Read(value).PublicUrl);

    [Theory]
    [InlineData("ingest.example")]
    [InlineData("/finance")]
    [InlineData("//ingest.example")]
    [InlineData("https://")]
    [InlineData("https:///finance")]
    [InlineData("ftp://ingest.example")]
    [InlineData("file:///finance")]
    [InlineData("https://user@ingest.example")]
    [InlineData("https://user:secret@ingest.example")]
    [InlineData("https://ingest.example?x=1")]
    [InlineData("https://ingest.example/?")]
    [InlineData("https://ingest.example/#top")]
    [InlineData("https://ingest.example\\finance")]
    [InlineData("javascript:alert(1)")]
    public void Anything_else_is_refused_by_name(string value) => Assert.StartsWith(
        "FinanceIngest__PublicUrl", Assert.Throws<SettingsException>(() => Read(value)).Message, StringComparison.Ordinal);

    private static Settings Read(string? value) => SettingsReader.Read(
        new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("FinanceIngest:PublicUrl", value)]).Build(), ProgramKind.IngestServer);
}
