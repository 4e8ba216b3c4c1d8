using System.Security.Cryptography;
using FinanceIngest.Ground;

namespace FinanceIngest.Notifications;

/// <summary>A pair of keys by which an installation proves to push services who it is (RFC 8292), in the form that the settings take.</summary>
/// <param name="PublicKey">A point of P-256, uncompressed: 65 bytes in base64url. Browsers need it to subscribe.</param>
/// <param name="PrivateKey">32 bytes in base64url: a secret.</param>
public sealed record VapidKeys(string PublicKey, string PrivateKey)
{
    /// <summary>Makes a new pair.</summary>
    public static VapidKeys Make()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        ECParameters parameters = key.ExportParameters(includePrivateParameters: true);
        return new VapidKeys(Base64Url.Encode([4, .. parameters.Q.X!, .. parameters.Q.Y!]), Base64Url.Encode(parameters.D));
    }

    /// <summary>Returns the public key alone.</summary>
    public override string ToString() => PublicKey;
}
