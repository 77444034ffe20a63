using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PageFold.Cli.Tests;

/// <summary>A certificate authority of the test, and the certificates it has signed.</summary>
internal sealed class ServeCertificates : IDisposable
{
    private readonly X509Certificate2 _authority;
    private readonly DateTimeOffset _from = DateTimeOffset.UtcNow.AddHours(-1);
    private readonly DateTimeOffset _to = DateTimeOffset.UtcNow.AddHours(1);

    public ServeCertificates()
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=authority of a test", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(_from, _to);
    }

    /// <summary>A certificate with its key.</summary>
    public X509Certificate2 Sign(string name)
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 signed = request.Create(_authority, _from, _to, RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }

    /// <summary>Writes a folder in the layout of NBD servers.</summary>
    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        using X509Certificate2 server = Sign("localhost");
        using RSA key = server.GetRSAPrivateKey()!;
        File.WriteAllText(Path.Combine(folder, "server-cert.pem"), server.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "server-key.pem"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Path.Combine(folder, "ca-cert.pem"), _authority.ExportCertificatePem());
    }

    /// <summary>True for a certificate that this authority has signed.</summary>
    public bool HasSigned(X509Certificate? presented)
    {
        if (presented is not X509Certificate2 certificate)
            return false;
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    public void Dispose() => _authority.Dispose();
}
