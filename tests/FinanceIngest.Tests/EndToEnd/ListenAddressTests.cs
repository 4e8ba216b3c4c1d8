using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.EndToEnd;

/// <summary>An address that a program can't listen on as it is written ends it with exit code 2 and one line, before it makes a file.</summary>
[Needs(Outside.Program)]
public sealed class ListenAddressTests
{
    [Theory]
    [InlineData("IngestServer", "ASPNETCORE_URLS", "ASPNETCORE_URLS=https://127.0.0.1:0")]
    [InlineData("ScoringWorker", "ASPNETCORE_URLS", "ASPNETCORE_URLS=https://127.0.0.1:0")]
    [InlineData("ScoringWorker", "ASPNETCORE_URLS", "ASPNETCORE_URLS=http://127.0.0.1:0;https://127.0.0.1:0")]
    [InlineData("ScoringWorker", "ASPNETCORE_HTTPS_PORTS", "ASPNETCORE_HTTPS_PORTS=28443")]
    [InlineData("IngestServer", "Kestrel__Endpoints__A__Url", "Kestrel__Endpoints__A__Url=https://127.0.0.1:0")]
    [InlineData("IngestServer", "Kestrel__Endpoints__A__Url", "Kestrel__Endpoints__A__Protocols=Http1")]
    [InlineData(
        "IngestServer", "Kestrel__Certificates__Default__Path", "ASPNETCORE_URLS=https://127.0.0.1:0", "Kestrel__Certificates__Default__Path=missing.pfx")]
    [InlineData("IngestServer", "ASPNETCORE_URLS", "ASPNETCORE_URLS=http://127.0.0.1:28080/api")]
    [InlineData("ScoringWorker", "ASPNETCORE_URLS", "ASPNETCORE_URLS=http://*:28080/api")]
    [InlineData("ScoringWorker", "ASPNETCORE_URLS", "ASPNETCORE_URLS=http://127.0.0.1:abc")]
    [InlineData("ScoringWorker", "ASPNETCORE_URLS", "ASPNETCORE_URLS=ftp://127.0.0.1:28080")]
    [InlineData("ScoringWorker", "ASPNETCORE_URLS", "ASPNETCORE_URLS=127.0.0.1:28080")]
    [InlineData("ScoringWorker", "ASPNETCORE_URLS", "ASPNETCORE_URLS=http://localhost:0")]
    [InlineData("ScoringWorker", "ASPNETCORE_URLS", "ASPNETCORE_URLS=http://::1:28080")]
    [InlineData("ScoringWorker", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTP_PORTS=abc")]
    [InlineData("ScoringWorker", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTP_PORTS=70000")]
    [InlineData("ScoringWorker", "FinanceIngest__IdSigningKey", "FinanceIngest__IdSigningKey=@Microsoft.KeyVault(VaultName=v;SecretName=k)")]
    [InlineData("IngestFunction", "FinanceIngest__IdSigningKey", "FinanceIngest__IdSigningKey=@Microsoft.KeyVault(VaultName=v;SecretName=k)")]
    [InlineData("IngestFunction", "SQL_CONNECTIONSTRING", "SQL_CONNECTIONSTRING=x")]
    public async Task It_is_one_line_and_exit_code_2(string program, string setting, params string[] environment)
    {
        using var folder = new TemporaryFolder();
        await using ProgramProcess process = ProgramProcess.Start(
            program, [], folder.Path, [.. environment.Select(text => text.Split('=', 2)).Select(pair => (pair[0], pair[1]))]);

        (int exitCode, string output) = await process.EndAsync();

        Assert.True(exitCode == 2, process.Log);
        Assert.StartsWith(setting + ": ", process.Log, StringComparison.Ordinal);
        Assert.Single(process.Log.Trim().Split('\n'));
        Assert.Empty(output);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task A_certificate_that_can_not_be_read_is_named_without_a_stack_trace()
    {
        using var folder = new TemporaryFolder();
        string certificate = Path.Combine(folder.Path, "junk.pfx");
        await File.WriteAllTextAsync(certificate, "junk");
        await using ProgramProcess process = ProgramProcess.Start(
            "ScoringWorker", ["--urls", "https://127.0.0.1:0"], folder.Path, ("Kestrel__Certificates__Default__Path", certificate));

        Assert.Equal(2, (await process.EndAsync()).ExitCode);
        Assert.Contains("Kestrel__Certificates: the certificate can't be used", process.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Log, StringComparison.Ordinal);
    }
}
