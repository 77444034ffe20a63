using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PageFold.Nbd;

/// <summary>How a server proves who it is, and whom it lets in. Thread-safe.</summary>
public sealed class NbdTls : IDisposable
{
    private const string CertificateFile = "server-cert.pem";
    private const string KeyFile = "server-key.pem";
    private const string AuthorityFile = "ca-cert.pem";

    // The purpose that a client's certificate has to have, if it names any: id-kp-clientAuth.
    private static readonly Oid ForClients = new("1.3.6.1.5.5.7.3.2");

    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2Collection _authorities;

    private NbdTls(X509Certificate2 certificate, X509Certificate2Collection authorities, bool required, bool verifyClients)
    {
        _certificate = certificate;
        _authorities = authorities;
        Required = required;
        VerifyClients = verifyClients;
        // The server fetches nothing that a certificate names; an unknown client could make it send requests anywhere.
        X509ChainPolicy policy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            DisableCertificateDownloads = true,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.AddRange(authorities);
        policy.ApplicationPolicy.Add(ForClients);
        Options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, authorities, offline: true),
            ClientCertificateRequired = verifyClients,
            CertificateChainPolicy = policy,
            RemoteCertificateValidationCallback = (_, presented, _, errors) =>
                !verifyClients || presented is not null && errors == SslPolicyErrors.None,
        };
    }

    /// <summary>Refuses all clients that do not encrypt; otherwise each may choose.</summary>
    public bool Required { get; }

    /// <summary>Refuses clients without a certificate of the authority.</summary>
    public bool VerifyClients { get; }

    internal SslServerAuthenticationOptions Options { get; }

    /// <summary>
    /// Loads certificates from a folder by the names that other NBD servers and clients use: server-cert.pem, server-key.pem, and
    /// ca-cert.pem to verify clients.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// A file is missing, cannot be read, or is not what its name says; the message names it.
    /// </exception>
    public static NbdTls Load(string directory, bool required, bool verifyClients)
    {
        string certificateText = Read(Path.Combine(directory, CertificateFile), path =>
        {
            string text = File.ReadAllText(path);
            // Which of the two is at fault is told by its name, so the certificate is first tried alone.
            X509Certificate2.CreateFromPem(text).Dispose();
            return text;
        });
        X509Certificate2 certificate = Read(
            Path.Combine(directory, KeyFile), path => X509Certificate2.CreateFromPem(certificateText, File.ReadAllText(path)));
        X509Certificate2Collection authorities = [];
        string authority = Path.Combine(directory, AuthorityFile);
        if (verifyClients || File.Exists(authority))
        {
            Read(authority, path =>
            {
                authorities.ImportFromPemFile(path);
                return authorities.Count > 0 ? path : throw new CryptographicException("it holds no certificate");
            });
        }
        return new NbdTls(certificate, authorities, required, verifyClients);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _certificate.Dispose();
        foreach (X509Certificate2 authority in _authorities)
            authority.Dispose();
    }

    private static T Read<T>(string path, Func<string, T> read)
    {
        try
        {
            return read(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw Throw.CertificateUnusable(path, e);
        }
    }
}
