using Microsoft.Win32.SafeHandles;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Data;

/// <summary>A file or stream whose content can be read at any offset.</summary>
/// <remarks>Reading is thread-safe.</remarks>
internal abstract class DataItem : IDisposable
{
    /// <summary>The length in bytes.</summary>
    public abstract long Length { get; }

    /// <summary>Reads as many bytes as exist and can be read.</summary>
    /// <returns>The bytes read; fewer than requested at the end, or if the item has changed meanwhile.</returns>
    public abstract int Read(Span<byte> buffer, long offset);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }

    protected static int Read(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        int read = 0;
        using Interruptible.Region waiting = Interruptible.MayWait();
        try
        {
            while (read < buffer.Length)
            {
                int got = RandomAccess.Read(file, buffer[read..], offset + read);
                if (got == 0)
                    break;
                read += got;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The item has become unreadable since it was listed. The bytes read so far count.
        }
        return read;
    }
}

/// <summary>An ordinary file that is opened by its name for each read, because there may be many.</summary>
/// <remarks>A read checks that the name still leads to the same file.</remarks>
internal sealed class NamedFile(FileName name, FileStatus status) : DataItem
{
    public override long Length => status.Length;

    public override int Read(Span<byte> buffer, long offset)
    {
        using SafeFileHandle? file = Files.Open(name, out FileStatus found, out _);
        return file is not null && found.Kind == FileKind.Regular && found.Id == status.Id ? Read(file, buffer, offset) : 0;
    }
}

/// <summary>A file or device that stays open.</summary>
internal sealed class OpenFile(SafeFileHandle file, long length) : DataItem
{
    public override long Length => length;

    public override int Read(Span<byte> buffer, long offset) => Read(file, buffer, offset);

    protected override void Dispose(bool disposing)
    {
        file.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>The content of a pipe, of a device, or of a file without a known length, in memory off the GC heap.</summary>
/// <remarks>It is kept because it can be read only once.</remarks>
internal sealed class StreamedBytes : DataItem
{
    // A multiple of every page size.
    private const int ChunkLength = 16 << 20;
    private const int MillisecondsBetweenChecks = 100;

    private readonly List<NativeBytes> _chunks = [];
    private long _length;

    private StreamedBytes()
    {
    }

    public override long Length => _length;

    /// <summary>Reads a stream to its end, or up to a maximum.</summary>
    /// <param name="stream">The stream. A read takes only what is available, so that waiting can be cancelled.</param>
    /// <param name="what">The name of the stream for messages.</param>
    /// <param name="wanted">The maximum of bytes to read; null for all.</param>
    /// <param name="cancellation">Cancels the reading.</param>
    public static StreamedBytes ReadAll(SafeFileHandle stream, string what, long? wanted, CancellationToken cancellation)
    {
        // A store holds the same data again, compressed, and a comparison holds it several times.
        long most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;
        StreamedBytes bytes = new();
        try
        {
            while (bytes._length < (wanted ?? long.MaxValue))
            {
                if (bytes._length >= most)
                    throw new UserErrorException(
                        $"{what} gives more than the {ByteSize.Format(most)} that can be kept of a stream in the memory there is; choose "
                        + "less with --sample, or write it to a file and name that.");
                if (!bytes.TryReadMore(stream, what, wanted ?? long.MaxValue, cancellation))
                    break;
            }
            return bytes;
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    public override int Read(Span<byte> buffer, long offset)
    {
        int read = 0;
        while (read < buffer.Length && offset + read < _length)
        {
            long place = offset + read;
            int inChunk = (int)(place % ChunkLength);
            int count = (int)Math.Min(Math.Min(buffer.Length - read, ChunkLength - inChunk), _length - place);
            _chunks[(int)(place / ChunkLength)].Slice(inChunk, count).CopyTo(buffer[read..]);
            read += count;
        }
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        foreach (NativeBytes chunk in _chunks)
            chunk.Dispose();
        _chunks.Clear();
        base.Dispose(disposing);
    }

    private bool TryReadMore(SafeFileHandle stream, string what, long wanted, CancellationToken cancellation)
    {
        int filled = (int)(_length % ChunkLength);
        if (filled == 0)
            _chunks.Add(new NativeBytes(ChunkLength, Environment.SystemPageSize));
        Span<byte> room = _chunks[^1].Slice(filled, (int)Math.Min(ChunkLength - filled, wanted - _length));
        int? got;
        do
        {
            cancellation.ThrowIfCancellationRequested();
            got = Files.ReadAvailable(stream, room, MillisecondsBetweenChecks, out string reason);
            if (got < 0)
                throw new UserErrorException($"{what} cannot be read ({reason}); name something else.");
        }
        while (got is null);
        _length += got.Value;
        return got > 0;
    }
}
