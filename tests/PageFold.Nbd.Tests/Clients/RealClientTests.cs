using System.Diagnostics;
using System.Text.Json;

namespace PageFold.Nbd.Tests.Clients;

/// <summary>Programs of other projects as clients: libnbd's, QEMU's, fio and nbdkit, in clear text and encrypted.</summary>
public sealed class RealClientTests : IDisposable
{
    private const long Size = 96 << 20;

    private readonly Certificates _certificates = new();
    private readonly Serving _clear;
    private readonly Serving _encrypted;

    public RealClientTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The clients are Linux's.");
        _clear = new Serving([
            new NbdExport { Name = "small", Description = "pages of 4 KiB", Disk = TestDisk.Make(Size) },
            new NbdExport { Name = "large", Disk = TestDisk.Make(Size, pageSize: 65536, codec: PageCodec.Zstd(1)) },
            new NbdExport { Name = "fixed", Disk = TestDisk.Make(Size), ReadOnly = true },
        ]);
        _encrypted = new Serving(
            [new NbdExport { Disk = TestDisk.Make(Size) }], NbdTls.Load(_certificates.Folder, required: true, verifyClients: true));
    }

    public static TheoryData<string> Exports() => ["small", "large"];

    public static TheoryData<string> Ways() => ["small", "large", "tcp", "tls", "tls over a Unix socket"];

    public void Dispose()
    {
        _clear.Dispose();
        _encrypted.Dispose();
        _certificates.Dispose();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Nbdinfo_finds_what_the_server_can(string way)
    {
        JsonElement export = JsonDocument.Parse(Tool.Run("nbdinfo", "--json", Uri(way)).Output).RootElement.GetProperty("exports")[0];
        Assert.Equal(Size, export.GetProperty("export-size").GetInt64());
        Assert.Contains("base:allocation", export.GetProperty("contexts").EnumerateArray().Select(context => context.GetString()));
        foreach (string flag in (string[])[
            "can_cache", "can_df", "can_fast_zero", "can_flush", "can_fua", "can_multi_conn", "can_trim", "can_zero"])
            Assert.True(export.GetProperty(flag).GetBoolean(), flag);
        Assert.False(export.GetProperty("is_read_only").GetBoolean());
        Assert.False(export.GetProperty("is_rotational").GetBoolean());
    }

    [Fact]
    public void Nbdinfo_lists_all_exports()
    {
        JsonElement root = JsonDocument.Parse(Tool.Run("nbdinfo", "--json", "--list", Uri("small")).Output).RootElement;
        Assert.Equal(["fixed", "large", "small"], root.GetProperty("exports").EnumerateArray()
            .Select(export => export.GetProperty("export-name").GetString()!).Order());
        Tool.Run("nbdinfo", "--is", "read-only", Uri("fixed"));
    }

    [Theory]
    [MemberData(nameof(Exports))]
    public void The_map_shows_holes_where_a_client_has_trimmed(string way)
    {
        Tool.Run("nbdsh", "-u", Uri(way), "-c", "h.pwrite(b'x' * (4 << 20), 0)", "-c", "h.trim(1 << 20, 1 << 20)", "-c",
            "h.zero(1 << 20, 3 << 20, nbd.CMD_FLAG_NO_HOLE)");
        JsonElement map = JsonDocument.Parse(Tool.Run("nbdinfo", "--map", "--json", Uri(way)).Output).RootElement;
        Assert.Equal(
            [(0, 1 << 20, 0), (1 << 20, 1 << 20, 3), (2 << 20, 1 << 20, 0), (3 << 20, 1 << 20, 2), (4 << 20, Size - (4 << 20), 3)],
            map.EnumerateArray().Select(extent =>
                (extent.GetProperty("offset").GetInt64(), extent.GetProperty("length").GetInt64(), extent.GetProperty("type").GetInt32())));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_file_system_goes_in_and_comes_out_as_it_was(string way)
    {
        string image = Path.Combine(_clear.Folder, "in.img");
        string copy = Path.Combine(_clear.Folder, "out.img");
        Tool.Run("mkfs.ext4", "-q", "-F", "-d", AppContext.BaseDirectory, image, $"{Size >> 10}k");
        Tool.Run("nbdcopy", "--connections=4", image, Uri(way));
        Tool.Run("nbdcopy", "--connections=4", Uri(way), copy);
        AssertEqual(image, copy);
        Tool.Run("e2fsck", "-fn", copy);
        string file = Path.Combine(_clear.Folder, "file");
        Tool.Run("debugfs", "-R", $"dump /PageFold.Nbd.dll {file}", copy);
        AssertEqual(Path.Combine(AppContext.BaseDirectory, "PageFold.Nbd.dll"), file);
        if (way.StartsWith("tls", StringComparison.Ordinal))
            return;
        Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "raw", image, Uri(way));
        // And out through another project's server in between.
        File.Delete(copy);
        Tool.Run("nbdkit", "--exit-with-parent", "-U", "-", "nbd", $"uri={Uri(way)}", "--run", $"nbdcopy \"$uri\" {copy}");
        AssertEqual(image, copy);
    }

    [Theory]
    [MemberData(nameof(Exports))]
    public void Qemu_img_converts_and_compares(string way)
    {
        string image = Path.Combine(_clear.Folder, "in.img");
        using (FileStream file = File.Create(image))
        {
            file.SetLength(Size);
            file.Position = 12345;
            file.Write(Content.Compressible(5 << 20, 1));
            file.Position = 60 << 20;
            file.Write(Content.Of(1 << 20, 2));
        }
        Tool.Run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", "-W", "-m", "8", image, Uri(way));
        Assert.Contains("identical", Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "raw", image, Uri(way)).Output,
            StringComparison.Ordinal);
        Tool.Run("qemu-img", "map", "--output=json", "-f", "raw", Uri(way));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Qemu_io_reads_the_patterns_it_has_written_at_odd_places(string way)
    {
        string[] commands =
        [
            "-c", "write -P 0x5a 511 70001", "-c", "read -P 0x5a 511 70001", "-c", "read -P 0 0 511",
            "-c", "write -P 0x17 4095 2", "-c", "read -P 0x17 4095 2", "-c", "read -P 0x5a 4097 4095",
            "-c", "discard 8k 64k", "-c", "read -P 0 8k 60k", "-c", "read -P 0x5a 4097 4095",
            "-c", "write -z 100 5000", "-c", "read -P 0 100 5000", "-c", "write -z -u 1M 3M", "-c", "read -P 0 1M 3M",
            "-c", "write -f -P 0xcd 3000001 1", "-c", "read -P 0xcd 3000001 1", "-c", "read -P 0 3000002 100000",
            "-c", "writev -P 1 10M 512 4096 1 70000", "-c", "readv -P 1 10M 74609", "-c", "flush",
            "-c", "aio_write -P 2 20M 2M", "-c", "aio_write -P 3 22M 2M", "-c", "aio_flush", "-c", "read -P 2 20M 2M", "-c",
                "read -P 3 22M 2M",
        ];
        Tool run = Tool.Run("qemu-io", [.. Qemu(way), .. commands]);
        Assert.DoesNotContain("fail", run.Output + run.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("small", "randrw", "4k", "crc32c")]
    [InlineData("large", "randrw", "4k", "crc32c")]
    [InlineData("large", "randrw", "64k", "xxhash")]
    [InlineData("small", "rw", "1m", "xxhash")]
    [InlineData("tcp", "randrw", "16k", "crc32c")]
    public void Fio_verifies_what_it_has_written(string way, string pattern, string blockSize, string check)
    {
        Tool.Run(
            "fio", "--name=verify", "--ioengine=nbd", $"--uri={Uri(way)}", $"--rw={pattern}", $"--bs={blockSize}", "--size=24m",
                "--iodepth=16", $"--verify={check}", "--verify_fatal=1",
            "--verify_state_save=0", "--verify_backlog=64", "--buffer_compress_percentage=50", "--refill_buffers", "--output-format=terse");
    }

    [Fact]
    public void A_client_that_is_killed_in_the_middle_leaves_the_server_serving()
    {
        NbdExport export = _clear.Exports[0];
        using RawClient other = _clear.Attach("small");
        using Process fio = Tool.Start(
            "fio", "--name=killed", "--ioengine=nbd", $"--uri={Uri("small")}", "--rw=randrw", "--bs=64k", "--offset=8m", "--size=64m",
                "--iodepth=32", "--time_based", "--runtime=120");
        Serving.Until(() => fio.HasExited || export.GetActivity(RequestKind.Write).Requests > 500, "fio's work");
        Assert.False(fio.HasExited);
        // A kill that cannot be caught, for fio and the processes it has made.
        fio.Kill(entireProcessTree: true);
        fio.WaitForExit();
        byte[] content = Content.Compressible(100_000, 1);
        other.Write(0, content);
        Assert.Equal(content, other.Read(0, content.Length));
        Serving.Until(() => export.Connections == 1, "the end of fio's connections");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_script_of_libnbd_reads_in_chunks_and_many_at_once(string way)
    {
        string script = Path.Combine(_clear.Folder, "script.py");
        File.WriteAllText(script, """
            import random
            size = 8 << 20
            random.seed(1)
            model = bytearray(size)
            piece = lambda n, key: bytes((key * 31 + i * (i >> 5)) & 255 for i in range(n))
            cookies = []
            for i in range(0, size, 256 << 10):
                data = piece(50000, i)
                model[i:i + len(data)] = data
                buffer = nbd.Buffer.from_bytearray(bytearray(data))
                cookies.append((h.aio_pwrite(buffer, i), buffer))
            while cookies:
                h.poll(-1)
                cookies = [c for c in cookies if not h.aio_command_completed(c[0])]
            assert h.get_structured_replies_negotiated()
            kinds = set()
            got = bytearray(size)
            def chunk(data, offset, kind, error):
                kinds.add(kind)
                got[offset:offset + len(data)] = data
            assert h.pread_structured(size, 0, chunk) == model and got == model
            assert kinds == {nbd.READ_DATA, nbd.READ_HOLE}, kinds
            assert h.pread_structured(size, 0, lambda *a: None, nbd.CMD_FLAG_DF) == model
            reads = []
            for i in range(300):
                offset = random.randrange(size - 100000)
                buffer = nbd.Buffer(random.randrange(1, 100000))
                reads.append((h.aio_pread(buffer, offset), buffer, offset))
            while reads:
                h.poll(-1)
                left = []
                for cookie, buffer, offset in reads:
                    if h.aio_command_completed(cookie):
                        assert buffer.to_bytearray() == model[offset:offset + buffer.size()]
                    else:
                        left.append((cookie, buffer, offset))
                reads = left
            extents = []
            h.block_status(size, 0, lambda context, offset, entries, error: extents.append((context, entries)))
            assert any(context == "base:allocation" for context, entries in extents)
            try:
                h.set_strict_mode(0)
                h.pread(512, h.get_size())
                assert False
            except nbd.Error as e:
                assert e.errnum == 22, e
            h.flush()
            h.shutdown()
            """);
        string connect = $"h.set_uri_allow_local_file(True); h.add_meta_context('base:allocation'); h.connect_uri('{Uri(way)}')";
        Tool.Run("nbdsh", "-c", connect, "-c", $"exec(open('{script}').read())");
    }

    private static void AssertEqual(string expected, string actual)
    {
        using FileStream one = File.OpenRead(expected);
        using FileStream other = File.OpenRead(actual);
        Assert.Equal(one.Length, other.Length);
        byte[] left = new byte[1 << 20];
        byte[] right = new byte[1 << 20];
        while (one.ReadAtLeast(left, left.Length, throwOnEndOfStream: false) is var count and > 0)
        {
            other.ReadExactly(right, 0, count);
            Content.AssertSame(left.AsSpan(0, count), right.AsSpan(0, count), $"{actual}, before byte {one.Position}");
        }
    }

    // QEMU takes certificates otherwise than by URI.
    private string[] Qemu(string way)
    {
        if (!way.StartsWith("tls", StringComparison.Ordinal))
            return ["-f", "raw", Uri(way)];
        string server = way == "tls"
            ? $"file.server.type=inet,file.server.host=127.0.0.1,file.server.port={_encrypted.Tcp.Port}"
            : $"file.server.type=unix,file.server.path={_encrypted.SocketPath},file.tls-hostname=localhost";
        return ["--object", $"tls-creds-x509,id=tls0,endpoint=client,dir={_certificates.Folder}", "--image-opts",
            $"driver=raw,file.driver=nbd,{server},file.tls-creds=tls0"];
    }

    private string Uri(string way) => way switch
    {
        "tcp" => $"nbd://127.0.0.1:{_clear.Tcp.Port}/small",
        "tls" => $"nbds://127.0.0.1:{_encrypted.Tcp.Port}/?tls-certificates={_certificates.Folder}",
        "tls over a Unix socket" => $"nbds+unix:///?socket={_encrypted.SocketPath}&tls-certificates={_certificates.Folder}",
        _ => $"nbd+unix:///{way}?socket={_clear.SocketPath}",
    };
}
