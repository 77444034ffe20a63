using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace PageFold.Cli.Tests;

/// <summary>Encryption through the command's options.</summary>
public class ServeTlsTests
{
    private const uint TlsRequired = 0x80000005;

    [Fact]
    public void Certificates_must_exist_and_be_valid()
    {
        using ServeFolder folder = new();
        using ServeCertificates certificates = new();
        string chosen = folder["pki"];
        string[] options = ["--size", "1MiB", "--tls-certificates", chosen];
        folder.AssertServeRefused(options, $"--tls-certificates {chosen}", "server-key.pem", "a folder of certificates has");
        folder.AssertServeRefused(["--size", "1MiB", "--tls-certificates", ""], "--tls-certificates needs a folder", "name one");
        Directory.CreateDirectory(chosen);
        folder.AssertServeRefused(options, $"--tls-certificates {chosen}", "server-key.pem", "a folder of certificates has");
        foreach ((string file, Action spoil) in ((string, Action)[])
        [
            ("server-cert.pem", () => File.Delete(folder["pki/server-cert.pem"])),
            ("server-cert.pem", () => File.WriteAllText(folder["pki/server-cert.pem"], "garbage")),
            ("server-key.pem", () => File.Delete(folder["pki/server-key.pem"])),
            // A folder instead of a file, which not even root can read.
            ("server-key.pem", () => Directory.CreateDirectory(Spoilt(folder["pki/server-key.pem"]))),
            ("server-key.pem", () => File.WriteAllText(folder["pki/server-key.pem"], "garbage")),
            ("ca-cert.pem", () => File.WriteAllText(folder["pki/ca-cert.pem"], "garbage")),
        ])
        {
            Directory.Delete(chosen, recursive: true);
            certificates.Write(chosen);
            spoil();
            folder.AssertServeRefused(
                options, $"--tls-certificates {chosen}", $"'{folder[$"pki/{file}"]}' cannot be used", "a folder of certificates has");
        }
        Directory.Delete(chosen, recursive: true);
        certificates.Write(chosen);
        File.Delete(folder["pki/ca-cert.pem"]);
        folder.AssertServeRefused(
            [.. options, "--tls-verify-peer"], $"--tls-certificates {chosen}", "ca-cert.pem' cannot be used",
            "ca-cert.pem to verify clients with");
        folder.AssertServeRefused(
            ["--size", "1MiB", "--tls-verify-peer"], "--tls-verify-peer needs certificates", "--tls-certificates DIR");
        folder.AssertServeRefused(["--size", "1MiB", "--tls-optional"], "--tls-optional needs certificates", "--tls-certificates DIR");
        folder.AssertServeRefused([.. options, "--tls-verify-peer", "--tls-optional"], "--tls-optional serves", "--tls-verify-peer",
            "leave one");

        static string Spoilt(string path)
        {
            File.Delete(path);
            return path;
        }
    }

    [Fact]
    public void Only_encrypted_clients_are_served_unless_encryption_is_optional()
    {
        using ServeFolder folder = new();
        using ServeCertificates certificates = new();
        certificates.Write(folder["pki"]);
        using (ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--tls-certificates", "pki"))
        {
            Assert.Equal((null, TlsRequired), ServeClient.TryAttach(new UnixDomainSocketEndPoint(server.SocketPath)));
            AssertServes(server, Trusting(certificates));
            Assert.Contains("nbds+unix://", server.Log, StringComparison.Ordinal);
        }
        using ServeProcess optional = ServeProcess.Start(folder, "--size", "1MiB", "--tls-certificates", "pki", "--tls-optional");
        AssertServes(optional, Trusting(certificates));
        AssertServes(optional, null);
    }

    [Fact]
    public void A_client_that_is_verified_needs_a_certificate_of_the_authority()
    {
        using ServeFolder folder = new();
        using ServeCertificates certificates = new();
        using ServeCertificates others = new();
        certificates.Write(folder["pki"]);
        using X509Certificate2 friend = Exported(certificates.Sign("friend"));
        using X509Certificate2 stranger = Exported(others.Sign("stranger"));
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--tls-certificates", "pki", "--tls-verify-peer");
        AssertServes(server, Trusting(certificates, friend));
        // Depending on the protocol version, the client notices during the handshake or when it reads.
        SslClientAuthenticationOptions[] unverified = [Trusting(certificates), Trusting(certificates, stranger)];
        foreach (SslClientAuthenticationOptions refused in unverified)
            Assert.True(Record.Exception(() => AssertServes(server, refused)) is IOException or AuthenticationException);
        AssertServes(server, Trusting(certificates, friend));
    }

    private static void AssertServes(ServeProcess server, SslClientAuthenticationOptions? tls)
    {
        using ServeClient client = ServeClient.Attach(new UnixDomainSocketEndPoint(server.SocketPath), tls: tls);
        byte[] content = ServeContent.Text(64 << 10, Random.Shared.Next());
        client.Write(4096, content);
        Assert.Equal(content, client.Read(4096, content.Length));
    }

    private static SslClientAuthenticationOptions Trusting(ServeCertificates certificates, X509Certificate2? own = null) => new()
    {
        TargetHost = "localhost",
        ClientCertificates = own is null ? null : [own],
        RemoteCertificateValidationCallback = (_, presented, _, _) => certificates.HasSigned(presented),
    };

    // A key that exists only in memory is not accepted everywhere.
    private static X509Certificate2 Exported(X509Certificate2 certificate)
    {
        using (certificate)
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
