using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Baselines;

/// <summary>Checks the names of baseline files on the command line.</summary>
internal static class StatsFileName
{
    /// <summary>Returns the name if its extension is that of a format.</summary>
    /// <exception cref="CliException">The extension is unknown, which is wrong use whatever the file contains.</exception>
    public static string Check(string path)
    {
        try
        {
            _ = BaselineFile.FormatOf(path);
            return path;
        }
        catch (BaselineFileException e)
        {
            throw CliException.WrongUse(e.Message);
        }
    }
}
