namespace FinanceIngest.Sqlite;

/// <summary>The file behind an open connection is no longer the one at its path. A person has to act: what is written goes nowhere.</summary>
internal sealed class MovedFileException(string path) : IOException(
    $"the file {path} was deleted, replaced or moved while this program had it open, so nothing is written to it any more. "
    + "Put the file back in its place, or restart this program, which then begins with what is there.");
