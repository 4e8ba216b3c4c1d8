using FinanceIngest.Configuration;
using Microsoft.Extensions.Hosting;

namespace FinanceIngest.Hosting;

/// <summary>Ends the program when a setting turns out to be wrong while the program runs.</summary>
public sealed class ProgramEnd(IHostApplicationLifetime lifetime)
{
    private volatile SettingsException? _cause;

    /// <summary>Stops the program; <see cref="ThrowIfCaused"/> then reports the cause.</summary>
    public void Because(SettingsException cause)
    {
        _cause = cause;
        lifetime.StopApplication();
    }

    /// <summary>
    /// Throws the cause of the stop, if there is one. A program calls this after it has stopped, so that it ends as for a wrong setting at its start.
    /// </summary>
    /// <exception cref="SettingsException">A wrong setting stopped the program.</exception>
    public void ThrowIfCaused()
    {
        if (_cause is { } cause)
        {
            throw cause;
        }
    }
}
