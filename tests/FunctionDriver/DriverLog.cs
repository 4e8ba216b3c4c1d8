namespace FinanceIngest.FunctionDriver;

/// <summary>Writes lines to standard error. Standard output stays empty.</summary>
internal static class DriverLog
{
    public static void Write(string message) => Console.Error.WriteLine(message);
}
