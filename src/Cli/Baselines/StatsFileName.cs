using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Baselines;

/// <summary>Names of baseline files on the command line.</summary>
internal static class StatsFileName
{
    /// <summary>The name, which tells a format.</summary>
    /// <exception cref="CliException">It tells none: wrong use, whatever is in the file.</exception>
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
