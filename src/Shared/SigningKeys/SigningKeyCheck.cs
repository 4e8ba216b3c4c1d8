using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.SigningKeys;

/// <summary>
/// Verifies that this process certifies ids with the key of the installation. A worker with another key would consider every message forged and move it
/// to the poison queue.
/// </summary>
internal sealed class SigningKeyCheck(IInstallationStore installation, IdCertifier ids, SigningKey key)
{
    internal const string Name = "signing-key-fingerprint";

    /// <summary>Compares the key's fingerprint with the one in the database. The first process of an installation stores its own.</summary>
    /// <exception cref="SettingsException">This process has another key than the installation.</exception>
    /// <exception cref="SigningKeyLostException">The file of the key is gone, or holds another key.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task VerifyAsync(CancellationToken cancellationToken)
    {
        key.Require();
        string remembered = await installation.ReadOrAddAsync(Name, ids.Fingerprint, cancellationToken);
        Compare(ids, remembered);
    }

    /// <summary>Whether the key is still in the file that it was read from; the last look at it holds for a second.</summary>
    /// <exception cref="SigningKeyLostException">The file is gone, or holds another key.</exception>
    public void RequireFile() => key.Require();

    /// <summary>Compares a key's fingerprint with the one that a database remembers; null: it remembers none yet.</summary>
    /// <exception cref="SettingsException">This process has another key than the installation.</exception>
    public static void Compare(IdCertifier ids, string? remembered)
    {
        if (remembered is not null && remembered != ids.Fingerprint)
        {
            throw new SettingsException(
                "FinanceIngest__IdSigningKey",
                $"not this installation's key (its fingerprint is {ids.Fingerprint}, the database has {remembered}); "
                    + $"set the key with which the installation was made, or restore {SigningKeyFile.FileName}.");
        }
    }
}
