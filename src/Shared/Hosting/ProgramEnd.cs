using FinanceIngest.Configuration;
using Microsoft.Extensions.Hosting;

namespace FinanceIngest.Hosting;

/// <summary>Ends the program for a wrong setting that only shows while it runs.</summary>
public sealed class ProgramEnd(IHostApplicationLifetime lifetime)
{
    private volatile SettingsException? _cause;

    /// <summary>Stops the program; see <see cref="ThrowIfCaused"/>.</summary>
    public void Because(SettingsException cause)
    {
        _cause = cause;
        lifetime.StopApplication();
    }

    /// <summary>To be called when the program has stopped: reports what stopped it as a wrong setting at the start would be.</summary>
    /// <exception cref="SettingsException">A wrong setting stopped it.</exception>
    public void ThrowIfCaused()
    {
        if (_cause is { } cause)
        {
            throw cause;
        }
    }
}
