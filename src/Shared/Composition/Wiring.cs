using FinanceIngest.Alerts;
using FinanceIngest.Intake;
using FinanceIngest.Learning;
using FinanceIngest.Notifications;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FinanceIngest.Composition;

/// <summary>
/// Lets the roles of one process wake each other: a sent message wakes the scorer, a written result wakes the requests that wait for it, and an anomaly
/// wakes the dispatcher, whose sent alerts wake the notifier. Roles in different processes notice the same by polling, a little later.
/// </summary>
internal sealed class Wiring(IServiceProvider services, ScoringEvents events) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        InboundSender? sender = services.GetService<InboundSender>();
        InboundWorker? worker = services.GetService<InboundWorker>();
        AlertDispatcher? dispatcher = services.GetService<AlertDispatcher>();
        ResultWaiter? waiter = services.GetService<ResultWaiter>();
        if (sender is not null && worker is not null)
        {
            sender.Sent += worker.Wake;
        }

        if (waiter is not null)
        {
            events.Written += waiter.OnWritten;
        }

        if (services.GetService<CommandWaiter>() is { } commands)
        {
            events.Written += _ => commands.OnWritten();
        }

        if (dispatcher is not null)
        {
            events.AlertsPending += dispatcher.Wake;
        }

        if (dispatcher is not null && services.GetService<Notifier>() is { } notifier)
        {
            dispatcher.Sent += notifier.Wake;
        }

        if (services.GetService<RetentionService>() is { } retention)
        {
            events.Written += _ => retention.OnWritten();
        }

        if (services.GetService<RenewalService>() is { } renewal)
        {
            events.Written += renewal.OnWritten;
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
