namespace FinanceIngest.Cli.Files;

/// <summary>The ways in which a file writes numbers and times, as the command line says them.</summary>
/// <param name="Number">The way of numbers.</param>
/// <param name="Time">The way of times.</param>
internal sealed record FileForms(NumberForm Number, TimeForm Time)
{
    /// <summary>The forms of a file without options.</summary>
    public static readonly FileForms Plain = new(NumberForm.Plain, TimeForm.Plain);
}
