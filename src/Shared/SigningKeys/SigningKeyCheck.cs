using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.SigningKeys;

/// <summary>
/// Makes sure that this process certifies ids with the key of the installation. A worker with another key would take every message for forged
/// and move it to the poison queue.
/// </summary>
internal sealed class SigningKeyCheck(IInstallationStore installation, IdCertifier ids)
{
    internal const string Name = "signing-key-fingerprint";

    /// <summary>Compares the key with the one that the database remembers; the first process makes it remember its own.</summary>
    /// <exception cref="SettingsException">It is another key.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task VerifyAsync(CancellationToken cancellationToken)
    {
        string remembered = await installation.ReadOrAddAsync(Name, ids.Fingerprint, cancellationToken);
        if (remembered != ids.Fingerprint)
        {
            throw new SettingsException(
                "FinanceIngest__IdSigningKey",
                $"not this installation's key (fingerprint {ids.Fingerprint}, its database remembers {remembered}); set the one it was made with, or restore {SigningKeyFile.FileName}.");
        }
    }
}
