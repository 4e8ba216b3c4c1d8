using Azure.Storage.Queues;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.AzureStorage;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.EndToEnd;

/// <summary>Runs Azure's queues (Azurite) between an intake and a worker.</summary>
[Needs(Outside.Program, Outside.Azurite)]
public sealed class AzureQueuesTests(AzuriteFixture azurite) : EndToEndTests
{
    private readonly string _inbound = $"inbound-{Guid.NewGuid():N}";
    private readonly string _alerts = $"alerts-{Guid.NewGuid():N}";
    private string _connectionString = "";
    private ProgramProcess? _server;
    private ProgramProcess? _worker;

    protected override async Task<Uri> StartAsync()
    {
        _connectionString = await azurite.ConnectionStringAsync();
        (string, string)[] environment =
        [
            ("AZURE_STORAGE_CONNECTION_STRING", _connectionString),
            ("FinanceIngest__InboundQueue", _inbound),
            ("FinanceIngest__AlertQueue", _alerts),
        ];
        _server = ProgramProcess.StartServer("IngestServer", Folder.Path, [.. environment, ("FinanceIngest__Roles", "intake")]);
        _worker = ProgramProcess.StartServer("ScoringWorker", Folder.Path, environment);
        await _worker.AddressAsync();
        return await _server.AddressAsync();
    }

    protected override async Task StopAsync()
    {
        if (_server is not null)
        {
            Assert.All(await Task.WhenAll(_server.TerminateAsync(), _worker!.TerminateAsync()), exitCode => Assert.Equal(0, exitCode));
        }
    }

    protected override IMessageQueue OpenAlerts() => new AzureMessageQueue(
        new QueueClient(_connectionString, _alerts, new QueueClientOptions { MessageEncoding = QueueMessageEncoding.None }), new DependencyStatus("alerts"));
}
