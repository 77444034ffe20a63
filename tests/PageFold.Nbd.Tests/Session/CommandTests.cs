using PageFold.Nbd.Tests.Protocol;

namespace PageFold.Nbd.Tests.Session;

/// <summary>Every command with right and wrong flags, offsets and lengths, over a connection.</summary>
public sealed class CommandTests : IDisposable
{
    private const long Size = (40 << 20) + 512;

    private readonly Serving _serving = new(
    [
        new NbdExport { Name = "rw", Disk = TestDisk.Make(Size) },
        new NbdExport { Name = "ro", Disk = TestDisk.Make(Size), ReadOnly = true },
    ]);

    public void Dispose() => _serving.Dispose();

    [Theory]
    [InlineData("rw", false, false)]
    [InlineData("rw", true, false)]
    [InlineData("rw", true, true)]
    [InlineData("ro", false, false)]
    [InlineData("ro", true, true)]
    public void Each_is_answered_as_the_protocol_wants(string export, bool structured, bool contexts)
    {
        using RawClient client = _serving.Attach(export, structured, contexts: contexts ? ["base:allocation"] : []);
        (ulong Offset, uint Length)[] ranges =
        [
            (0, 0), (0, 512), (513, 1000), ((ulong)Size - 1, 1), ((ulong)Size, 1), ((ulong)Size, 0), ((ulong)Size - 512, 1024),
                (0, (uint)Size), (0, (uint)Size + 1),
            (0, uint.MaxValue), (ulong.MaxValue, 1), (ulong.MaxValue - 10, 20), (long.MaxValue, 1), (1UL << 63, 4096),
                (0, Wire.MaxBytes + 1),
        ];
        foreach (int command in (int[])[0, 1, 3, 4, 5, 6, 7, 8, 99, 65535])
        {
            foreach (int flags in (int[])[.. Enumerable.Range(0, 32), 32, 64, 0x8000, 0xFFFF])
            {
                foreach ((ulong offset, uint length) in ranges)
                {
                    // What a write carries has to be sent whatever it is answered with; large ones are tested apart.
                    if (command == Command.Write && length > 4096)
                        continue;
                    byte[]? payload = command == Command.Write ? new byte[length] : null;
                    Answer answer = client.Do(command, offset, length, flags, payload);
                    uint expected = CommandRules.Expected(
                        command, flags, offset, length, (ulong)Size, export == "ro", structured, contexts);
                    Assert.True(expected == answer.Error,
                        $"command {command}, flags {flags}, {length} bytes at {offset}: {answer.Error} instead of {expected}");
                    if (answer.Messages[^1].Type == ChunkKind.Error)
                        Assert.Equal(6 + Wire.ToU16(answer.Messages[^1].Payload.AsSpan(4)), answer.Messages[^1].Payload.Length);
                }
            }
        }
    }

    [Theory]
    [InlineData(Wire.MaxBytes + 1, 0UL, Errno.Invalid)]
    [InlineData(Wire.MaxBytes * 2, 0UL, Errno.Invalid)]
    [InlineData(Wire.MaxBytes, (ulong)Size - 512, Errno.NoSpace)]
    [InlineData(Wire.MaxBytes, ulong.MaxValue - 100, Errno.NoSpace)]
    public void A_large_write_that_is_refused_is_passed_over_and_changes_nothing(uint length, ulong offset, uint expected)
    {
        using RawClient client = _serving.Attach("rw");
        byte[] before = Content.Compressible(4096, 1);
        client.Write(Size - 4096, before);
        Assert.Equal(expected, client.Do(Command.Write, offset, length, payload: Content.Of((int)length, 2)).Error);
        Assert.Equal(before, client.Read(Size - 4096, 4096));
        Assert.Equal(1, client.Do(Command.Read, 0, 4096).Messages.Count(message => message.Type == ChunkKind.Hole));
    }

    [Fact]
    public void Nothing_changes_a_read_only_export()
    {
        NbdExport export = _serving.Exports[1];
        byte[] content = Content.Of(65536, 1);
        Assert.True(export.Disk.TryWrite(0, content));
        using RawClient client = _serving.Attach("ro");
        foreach (int command in (int[])[Command.Write, Command.Trim, Command.WriteZeroes])
            Assert.Equal(Errno.NotPermitted, client.Do(command, 0, 65536, payload: command == Command.Write ? new byte[65536] : null)
                .Error);
        Assert.Equal(content, client.Read(0, 65536));
    }

    [Fact]
    public void Activity_tells_requests_bytes_and_errors()
    {
        NbdExport export = _serving.Exports[0];
        using (RawClient client = _serving.Attach("rw"))
        {
            client.Write(0, new byte[512]);
            Assert.Equal(1, export.Connections);
            client.Write(512, new byte[1024]);
            Assert.Equal(Errno.NoSpace, client.Do(Command.Write, (ulong)Size, 512, payload: new byte[512]).Error);
            client.Read(0, 4096);
            client.Trim(0, 8192);
            client.Disconnect();
        }
        CommandActivity writes = export.GetActivity(RequestKind.Write);
        Assert.Equal((3, 1536, 1), (writes.Requests, writes.Bytes, writes.Errors));
        Assert.InRange(writes.P99Time, writes.MedianTime, TimeSpan.MaxValue);
        Assert.Equal((1, 4096, 0), (export.GetActivity(RequestKind.Read).Requests, export.GetActivity(RequestKind.Read).Bytes,
            export.GetActivity(RequestKind.Read).Errors));
        Assert.Equal(1, export.GetActivity(RequestKind.Trim).Requests);
        Assert.Equal(0, export.GetActivity(RequestKind.Flush).Requests);
        // Past the end is no want of memory, though the error is the same.
        Assert.Equal(0, export.OutOfSpaceErrors);
        Serving.Until(() => export.Connections == 0, "the end of the connection");
        Assert.Equal(1, export.TotalConnections);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void Memory_that_is_short_is_told_and_counted_and_ends_with_a_trim(int pageSize)
    {
        const int Length = 16 << 20;
        using Serving serving = new(TestDisk.Make(Length, pageSize, pageSize == 4096 ? PageCodec.Lz4 : PageCodec.Zstd(1), limit: 8 << 20));
        using RawClient client = serving.Attach();
        byte[] piece = Content.Of(1 << 20, 1);
        uint[] errors = [.. Enumerable.Range(0, Length >> 20)
            .Select(number => client.Do(Command.Write, (ulong)number << 20, 1 << 20, payload: piece).Error)];
        Assert.Equal([Errno.None, Errno.NoSpace], errors.Distinct());
        Assert.Equal(errors.Count(error => error == Errno.NoSpace), serving.Export.OutOfSpaceErrors);
        Content.AssertSame(piece, client.Read(0, 1 << 20), "what found room");
        client.Trim(0, Length);
        Assert.Equal(Errno.None, client.Do(Command.Write, 12 << 20, 1 << 20, payload: piece).Error);
        Content.AssertSame(piece, client.Read(12 << 20, 1 << 20), "what was written after the trim");
    }
}
