using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace PageFold.Nbd.Tests.Session;

/// <summary>Encrypted connections: who gets in, and what is said in clear text.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly Certificates _certificates = new();
    private readonly Certificates _strangers = new();

    public void Dispose()
    {
        _certificates.Dispose();
        _strangers.Dispose();
    }

    [Theory]
    [InlineData("unix", true)]
    [InlineData("unix", false)]
    [InlineData("tcp", true)]
    [InlineData("tcp", false)]
    public void An_encrypted_connection_reads_and_writes(string transport, bool structured)
    {
        using Serving serving = Serve(required: true);
        using RawClient client = RawClient.Greet(serving.At(transport));
        client.Encrypt(Trusting());
        client.Go(structured: structured);
        byte[] content = Content.Compressible(3 << 20, 1);
        client.Write(777, content);
        Content.AssertSame(content, client.Read(777, content.Length), "what was written");
        client.Trim(0, 1 << 20);
        Assert.Equal(new byte[1 << 20], client.Read(0, 1 << 20));
        client.Send(Wire.Request(Command.Disconnect, 0, 0, 0, 0));
        client.AssertClosed();
    }

    [Theory]
    [InlineData(Option.List)]
    [InlineData(Option.Info)]
    [InlineData(Option.Go)]
    [InlineData(Option.StructuredReply)]
    [InlineData(Option.ListMetaContext)]
    [InlineData(Option.SetMetaContext)]
    [InlineData(4711u)]
    public void Where_encryption_is_required_nothing_else_is_told(uint option)
    {
        using Serving serving = Serve(required: true);
        using RawClient client = RawClient.Greet(serving.Unix);
        Assert.Equal(OptionAnswer.TlsRequired, Assert.Single(client.Ask(option, [])).Type);
        Assert.Equal(OptionAnswer.TlsRequired, Assert.Single(client.Ask(option, Wire.Info(string.Empty))).Type);
        client.Encrypt(Trusting());
        client.Go();
    }

    [Fact]
    public void Where_encryption_is_required_a_name_alone_ends_the_connection()
    {
        using Serving serving = Serve(required: true);
        using RawClient client = RawClient.Greet(serving.Unix);
        client.Send(Wire.Option(Option.ExportName, []));
        client.AssertClosed();
        Assert.Equal(0, serving.Export.TotalConnections);
    }

    [Fact]
    public void A_client_that_was_told_to_encrypt_and_leaves_is_in_the_log()
    {
        using Serving serving = Serve(required: true);
        using (RawClient client = RawClient.Greet(serving.Unix))
            Assert.Equal(OptionAnswer.TlsRequired, Assert.Single(client.Ask(Option.Go, Wire.Info(string.Empty))).Type);
        Serving.Until(() => !serving.Log.IsEmpty, "a line in the log");
        Assert.Contains("the client does not encrypt", Assert.Single(serving.Log), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_encryption_is_required_a_client_may_still_give_up()
    {
        using Serving serving = Serve(required: true);
        using RawClient client = RawClient.Greet(serving.Unix);
        Assert.Equal(OptionAnswer.Ack, Assert.Single(client.Ask(Option.Abort, [])).Type);
        client.AssertClosed();
    }

    [Fact]
    public void Where_encryption_is_offered_clear_text_is_served_too()
    {
        using Serving serving = Serve(required: false);
        using RawClient clear = serving.Attach();
        using RawClient encrypted = RawClient.Greet(serving.Unix);
        encrypted.Encrypt(Trusting());
        encrypted.Go();
        encrypted.Write(0, [1, 2, 3]);
        Assert.Equal([1, 2, 3], clear.Read(0, 3));
    }

    [Fact]
    public void What_was_agreed_on_in_clear_text_is_forgotten()
    {
        using Serving serving = Serve(required: false);
        using RawClient client = RawClient.Greet(serving.Unix);
        client.AgreeOnStructuredReplies();
        Assert.Equal(2, client.Ask(Option.SetMetaContext, Wire.Contexts(string.Empty, "base:allocation")).Count);
        client.Encrypt(Trusting());
        Assert.Equal(OptionAnswer.Invalid, Assert.Single(client.Ask(Option.SetMetaContext, Wire.Contexts(string.Empty, "base:allocation")))
            .Type);
        byte[] info = client.Ask(Option.Info, Wire.Info(string.Empty))[0].Data;
        Assert.Equal(0, Wire.ToU16(info.AsSpan(10)) & 1 << 7);
    }

    [Fact]
    public void Nothing_is_encrypted_twice()
    {
        using Serving serving = Serve(required: true);
        using RawClient client = RawClient.Greet(serving.Unix);
        client.Encrypt(Trusting());
        Assert.Equal(OptionAnswer.Invalid, Assert.Single(client.Ask(Option.StartTls, [])).Type);
        client.Go();
    }

    /// <summary>What an attacker has put behind the request to encrypt must not be taken for something that came encrypted.</summary>
    [Theory]
    [InlineData("unix")]
    [InlineData("tcp")]
    public void Clear_text_behind_the_request_to_encrypt_ends_the_connection(string transport)
    {
        using Serving serving = Serve(required: true);
        using RawClient client = RawClient.Greet(serving.At(transport));
        client.Send([.. Wire.Option(Option.StartTls, []), .. Wire.Option(Option.List, [])]);
        client.AssertClosed();
        Serving.Until(() => serving.Log.Any(line => line.Contains("before it began to encrypt", StringComparison.Ordinal)), "the reason");
    }

    [Fact]
    public void Clear_text_instead_of_encryption_is_not_answered()
    {
        using Serving serving = Serve(required: true);
        using RawClient client = RawClient.Greet(serving.Unix);
        Assert.Equal(OptionAnswer.Ack, Assert.Single(client.Ask(Option.StartTls, [])).Type);
        client.Send([.. Wire.Option(Option.List, []), .. Wire.Option(Option.Go, Wire.Info(string.Empty))]);
        Assert.True(client.TakeToTheEnd().AsSpan().IndexOf(Wire.U64(Wire.OptionReplyMagic)) < 0);
        Assert.Equal(0, serving.Export.TotalConnections);
    }

    [Fact]
    public void Who_never_begins_to_encrypt_is_cut_off()
    {
        using NbdTls tls = NbdTls.Load(_certificates.Folder, required: true, verifyClients: false);
        using Serving serving = new([new NbdExport { Disk = TestDisk.Make() }], tls, handshakeTimeout: TimeSpan.FromMilliseconds(400));
        using RawClient client = RawClient.Greet(serving.Unix);
        Assert.Equal(OptionAnswer.Ack, Assert.Single(client.Ask(Option.StartTls, [])).Type);
        client.AssertClosed();
        Serving.Until(() => serving.Log.Any(line => line.Contains("silent in the handshake", StringComparison.Ordinal)), "the reason");
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void What_is_demanded_of_clients_can_be_asked(bool required, bool verifyClients)
    {
        using NbdTls tls = NbdTls.Load(_certificates.Folder, required, verifyClients);
        Assert.Equal((required, verifyClients), (tls.Required, tls.VerifyClients));
    }

    [Fact]
    public void A_client_with_the_authoritys_certificate_is_let_in()
    {
        using Serving serving = Serve(required: true, verifyClients: true);
        using RawClient client = RawClient.Greet(serving.Tcp);
        client.Encrypt(Trusting(_certificates.Client));
        client.Go();
        client.Write(0, [1]);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("stranger's")]
    [InlineData("server's")]
    public void A_client_without_one_or_with_anothers_or_one_for_another_purpose_is_not(string which)
    {
        using Serving serving = Serve(required: true, verifyClients: true);
        using RawClient client = RawClient.Greet(serving.Tcp);
        // Under TLS 1.3 a client learns of it only when it goes on.
        Exception refused = Assert.ThrowsAny<Exception>(() =>
        {
            client.Encrypt(Trusting(which switch { "stranger's" => _strangers.Client, "server's" => _certificates.Server, _ => null }));
            client.Go();
        });
        Assert.True(refused is IOException or AuthenticationException, refused.ToString());
        Serving.Until(() => serving.Log.Any(line => line.Contains("encryption failed", StringComparison.Ordinal)), "the reason");
        Assert.Equal(0, serving.Export.TotalConnections);
        using RawClient good = RawClient.Greet(serving.Unix);
        good.Encrypt(Trusting(_certificates.Client));
        good.Go();
    }

    public static TheoryData<string, string?, bool> Unusable() => new()
    {
        { "server-cert.pem", null, false },
        { "server-key.pem", null, false },
        { "ca-cert.pem", null, true },
        { "server-cert.pem", "garbage", false },
        { "server-key.pem", "garbage", false },
        { "ca-cert.pem", "garbage", true },
        { "ca-cert.pem", string.Empty, true },
        { "ca-cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", true },
        { "server-cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", false },
        { "server-key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", false },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public void A_file_that_cannot_be_used_is_named_in_one_line(string file, string? content, bool verifyClients)
    {
        if (content is null)
            File.Delete(_certificates.At(file));
        else
            File.WriteAllText(_certificates.At(file), content);
        AssertRefused(file, verifyClients);
    }

    [Fact]
    public void A_key_of_another_certificate_is_named_in_one_line()
    {
        File.Copy(_strangers.At("server-key.pem"), _certificates.At("server-key.pem"), overwrite: true);
        AssertRefused("server-key.pem", verifyClients: false);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named_in_one_line()
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(
            () => NbdTls.Load(_certificates.At("nowhere"), required: true, verifyClients: false));
        Assert.Contains("nowhere", refused.Message, StringComparison.Ordinal);
    }

    private void AssertRefused(string file, bool verifyClients)
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(
            () => NbdTls.Load(_certificates.Folder, required: true, verifyClients));
        Assert.Contains(_certificates.At(file), refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    private Serving Serve(bool required, bool verifyClients = false) =>
        new([new NbdExport { Disk = TestDisk.Make() }], NbdTls.Load(_certificates.Folder, required, verifyClients));

    private SslClientAuthenticationOptions Trusting(X509Certificate2? client = null) => new()
    {
        TargetHost = "localhost",
        ClientCertificates = client is null ? null : [client],
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { _certificates.Authority },
            RevocationMode = X509RevocationMode.NoCheck,
        },
    };
}
