using FinanceIngest.Cli.Running;
using FinanceIngest.Cli.Submitting;

namespace FinanceIngest.Tests.Cli;

/// <summary>What people write as <c>--url</c>, and what a redirect tells them to write.</summary>
public sealed class ApiAddressTests
{
    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/api")]
    [InlineData("/api/")]
    [InlineData("/api/transactions")]
    [InlineData("/api/transactions/batch/")]
    [InlineData("/api/score-transaction")]
    [InlineData("/readyz")]
    [InlineData("/openapi.json")]
    public void A_route_at_the_end_is_taken_off(string route)
    {
        Assert.Equal("http://h:7071/", ApiAddress.Parse("http://h:7071" + route).Base.AbsoluteUri);
        Assert.Equal("https://h/finance/", ApiAddress.Parse(" HTTPS://h/finance" + route + "\n").Base.AbsoluteUri);
    }

    [Theory]
    [InlineData("/finance-api")]
    [InlineData("/api/finance")]
    [InlineData("/api/v2")]
    [InlineData("/API")]
    [InlineData("/transactions")]
    public void A_path_that_only_resembles_a_route_stays(string path) => Assert.Equal(path + "/", ApiAddress.Parse("http://h" + path).Base.AbsolutePath);

    [Theory]
    [InlineData("http://h/api/api", "http://h/api/")]
    [InlineData("http://h/x/api/api/transactions", "http://h/x/api/")]
    [InlineData("http://[::1]:7071", "http://[::1]:7071/")]
    [InlineData("http://h/Präfix mit Leerzeichen", "http://h/Pr%C3%A4fix%20mit%20Leerzeichen/")]
    public void One_route_is_taken_off_and_what_is_written_is_read_back(string url, string expected)
    {
        ApiAddress address = ApiAddress.Parse(url);

        Assert.Equal(expected, address.Base.AbsoluteUri);
        Assert.Equal(expected, ApiAddress.Parse(address.ToString()).Base.AbsoluteUri);
    }

    [Theory]
    [InlineData("localhost:7071", "has no scheme")]
    [InlineData("127.0.0.1", "has no scheme")]
    [InlineData("finance.example.org/api", "has no scheme")]
    [InlineData("[::1]:7071", "has no scheme")]
    [InlineData("", "not an http address")]
    [InlineData("ftp://x", "not an http address")]
    [InlineData("http://", "not an http address")]
    [InlineData("http:///x", "not an http address")]
    [InlineData("http://a b/", "not an http address")]
    [InlineData("http://x:0", "not an http address")]
    [InlineData("http://x:99999", "not an http address")]
    [InlineData("http://x/?code=S3CRET", "must not carry a query")]
    [InlineData("http://x/#S3CRET", "must not carry a query")]
    [InlineData("http://me:S3CRET@x/", "must not carry a query")]
    [InlineData("ftp://me:S3CRET@x/?code=S3CRET", "'ftp://x/'")]
    [InlineData("http://me:S3CRET@x:99999/", "'http://x:99999/'")]
    [InlineData("me:S3CRET@x", "'x'")]
    public void What_is_no_address_is_told_without_secrets(string url, string expected)
    {
        CliException e = Assert.Throws<CliException>(() => ApiAddress.Parse(url));

        Assert.Equal(2, e.ExitCode);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("S3CRET", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://h", "https://finance.example.org/api/transactions/batch?x=S3CRET", "The service has moved: give https://finance.example.org as --url.")]
    [InlineData("http://h", "https://finance.example.org:8443/api/transactions/batch/", "give https://finance.example.org:8443 as --url.")]
    [InlineData("http://h/x", "/other/api/transactions/batch", "give http://h/other as --url.")]
    [InlineData("http://h", "//other/api/transactions/batch", "give http://other as --url.")]
    [InlineData("http://h", "https://h/api/api/transactions/batch", "give https://h/api/api as --url.")]
    [InlineData("http://h", "/api/transactions/batch", "It sends the request in a circle.")]
    [InlineData("http://h", "https://sso/login?state=S3CRET", "It leads to https://sso/login, which is no route of FinanceIngest: check the address")]
    [InlineData("http://h", "https://me:S3CRET@h/api/transactions/batch", "It leads to https://h/api/transactions/batch, which is no route")]
    [InlineData("http://h", "ftp://h/api/transactions/batch", "which is no route")]
    public void A_redirect_tells_what_to_write(string url, string location, string expected)
    {
        string advice = ApiAddress.Parse(url).Advice(new Uri(location, UriKind.RelativeOrAbsolute), "api/transactions/batch");

        Assert.Contains(expected, advice, StringComparison.Ordinal);
        Assert.DoesNotContain("S3CRET", advice, StringComparison.Ordinal);
    }
}
