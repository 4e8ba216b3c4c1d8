using System.IO.Compression;
using System.Net;
using System.Text.RegularExpressions;
using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.EndToEnd;

/// <summary>The page that IngestServer shows in a browser, as its files come over HTTP. tests/Page tries it in one.</summary>
[Collection(ServerHead.Collection)]
public sealed partial class PageServerTests(ServerHead server)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_page_has_nothing_inline_and_its_files_are_kept_by_browsers()
    {
        using var client = new HttpClient { BaseAddress = server.Client.Address };
        using HttpResponseMessage page = await client.GetAsync("/", Token);
        string html = await page.Content.ReadAsStringAsync(Token);

        Assert.Equal((HttpStatusCode.OK, "text/html; charset=utf-8"), (page.StatusCode, page.Content.Headers.ContentType!.ToString()));
        Assert.True(page.Headers.CacheControl!.NoCache);
        Assert.DoesNotContain("{{", html, StringComparison.Ordinal);
        Assert.Contains("data-keys=\"needed\"", html, StringComparison.Ordinal);
        Assert.DoesNotMatch(Inline(), html);
        string[] files = [.. Address().Matches(html).Select(match => match.Groups["file"].Value).Distinct()];
        Assert.InRange(files.Length, 4, 10);
        foreach (string file in files)
        {
            using HttpResponseMessage answer = await client.GetAsync(file, Token);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal("public, max-age=31536000, immutable", answer.Headers.CacheControl!.ToString());
        }
    }

    [Theory]
    [InlineData("br")]
    [InlineData("gzip")]
    public async Task Files_come_compressed_to_clients_that_take_it(string encoding)
    {
        using var client = new HttpClient { BaseAddress = server.Client.Address };
        string file = Address().Match(await client.GetStringAsync("/", Token)).Groups["file"].Value;
        string plain = await client.GetStringAsync(file, Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, file) { Headers = { { "Accept-Encoding", encoding } } };
        using HttpResponseMessage answer = await client.SendAsync(request, Token);

        Assert.Equal([encoding], answer.Content.Headers.ContentEncoding);
        Assert.Equal(["Accept-Encoding"], answer.Headers.Vary);
        Stream body = await answer.Content.ReadAsStreamAsync(Token);
        await using Stream decoded = encoding == "br" ? new BrotliStream(body, CompressionMode.Decompress) : new GZipStream(body, CompressionMode.Decompress);
        using var reader = new StreamReader(decoded);
        Assert.Equal(plain, await reader.ReadToEndAsync(Token));
    }

    [Theory]
    [InlineData("/page/0123456789abcdef/app.js")]
    [InlineData("/page/0123456789abcdef/uplot/uPlot.esm.js")]
    public async Task Files_of_another_version_are_not_there(string path)
    {
        using var client = new HttpClient { BaseAddress = server.Client.Address };
        using HttpResponseMessage answer = await client.GetAsync(path, Token);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [GeneratedRegex("(?:href|src)=\"(?<file>page/[0-9a-f]{16}/[^\"]+)\"")]
    private static partial Regex Address();

    [GeneratedRegex("""<style|<script[^>]*>[^<]|\sstyle=|\son[a-z]+=|https?://""")]
    private static partial Regex Inline();
}
