using System.Diagnostics;
using FinanceIngest.Alerts;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Queueing;
using FinanceIngest.Scoring;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FinanceIngest.Chaos.Hooks;

/// <summary>
/// Wraps the seams of a program when its host is built. It uses the event of design-time tools and WebApplicationFactory, which comes after all of the
/// program's registrations. (A hosting startup assembly runs before them, and so could replace nothing.)
/// </summary>
internal sealed class HostBuilding : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
{
    private const string Listener = "Microsoft.Extensions.Hosting";
    private const string Event = "HostBuilding";

    public static void Watch()
    {
        if (Control.FromEnvironment() is not null)
        {
            DiagnosticListener.AllListeners.Subscribe(new HostBuilding());
        }
    }

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == Listener)
        {
            value.Subscribe(this, name => name == Event);
        }
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value is { Key: Event, Value: IHostBuilder host })
        {
            host.ConfigureServices((_, services) => Wrap(services, Control.FromEnvironment()!));
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    private static void Wrap(IServiceCollection services, Control control)
    {
        Wrap<TimeProvider>(services, _ => new SkewedTime(control));
        Wrap<Queues>(services, queues => new Queues(
            new HookedQueue(queues.Inbound, "inbound", control), queues.Poison, new HookedQueue(queues.Alerts, "alerts", control),
            queues.AlertPoison is { } poison ? new HookedQueue(poison, "alert-poison", control) : null));
        Wrap<IScoringStore>(services, store => new HookedScoringStore(store, control));
        Wrap<IAlertOutbox>(services, outbox => new HookedOutbox(outbox, control));
        Wrap<IDeliveryStore>(services, store => new HookedDeliveryStore(store, control));
        Console.SetIn(new DeadlyInput(Console.In, control));
    }

    private static void Wrap<T>(IServiceCollection services, Func<T, T> wrap)
        where T : class
    {
        ServiceDescriptor registered = services.Last(service => service.ServiceType == typeof(T));
        services.Remove(registered);
        services.AddSingleton(provider => wrap((T)(
            registered.ImplementationInstance
            ?? registered.ImplementationFactory?.Invoke(provider)
            ?? ActivatorUtilities.CreateInstance(provider, registered.ImplementationType!))));
    }
}
