using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Lz4;

/// <summary>A context of <see cref="ManagedLz4Codec"/> for one family of instructions and one shape of texts.</summary>
internal sealed class Lz4Context<TPath, TShape> : PageCodecContext
    where TPath : struct, IInstructionPath
    where TShape : struct, IMatchShape
{
    private readonly Lz4Workspace _workspace;

    // The matcher's table of the dictionary.
    private readonly MatchDictionary? _dictionary;

    /// <param name="maxLength">The most bytes of a text.</param>
    /// <param name="content">The dictionary's content; empty for none.</param>
    /// <param name="dictionary">The matcher's table of it; null for none.</param>
    public Lz4Context(int maxLength, ReadOnlySpan<byte> content, MatchDictionary? dictionary)
    {
        _workspace = new Lz4Workspace(maxLength, MatchFinder.TableBytes<TShape>(), content);
        _dictionary = dictionary;
    }

    public override long Bytes => _workspace.Match.Bytes;

    public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
    {
        ObjectDisposedException.ThrowIf(_workspace.Match.IsDisposed, this);
        written = page.IsEmpty || page.Length > _workspace.Match.MaxLength
            ? 0
            : Lz4Encoder.Encode<TPath, TShape>(_workspace, _dictionary, page, destination);
        GC.KeepAlive(this);
        return written > 0;
    }

    public override unsafe bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
    {
        ObjectDisposedException.ThrowIf(_workspace.Match.IsDisposed, this);
        if (page.IsEmpty || page.Length > _workspace.Match.MaxLength)
            return false;
        bool read = _dictionary is null
            ? Lz4Decoder.TryDecode<TPath>(source, page, _workspace.Periods)
            : Lz4Decoder.TryDecode<TPath>(source, page, _workspace);
        GC.KeepAlive(this);
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _workspace.Dispose();
        base.Dispose(disposing);
    }
}
