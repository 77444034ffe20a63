using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold;

/// <summary>A context of <see cref="FoldCodec"/> for one family of instructions, one shape of texts and one level.</summary>
/// <remarks>Its codec has begun the use of the tables, which ends when it is disposed.</remarks>
internal sealed class FoldContext<TPath, TShape, TLevel>(FoldTables tables, MatchDictionary? dictionary, int maxLength) : PageCodecContext
    where TPath : struct, IInstructionPath
    where TShape : struct, IMatchShape
    where TLevel : struct, IFoldLevel
{
    private readonly FoldWorkspace _workspace = MakeWorkspace(tables, dictionary, maxLength);

    public override long Bytes => _workspace.Match.Bytes;

    public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
    {
        ObjectDisposedException.ThrowIf(_workspace.Match.IsDisposed, this);
        written = page.IsEmpty || page.Length > _workspace.Match.MaxLength
            ? 0
            : FoldEncoder.Encode<TPath, TShape, TLevel>(tables, _workspace, dictionary, page, destination);
        GC.KeepAlive(this);
        return written > 0;
    }

    public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
    {
        ObjectDisposedException.ThrowIf(_workspace.Match.IsDisposed, this);
        bool read = !page.IsEmpty && FoldDecoder.TryDecode<TPath>(tables, _workspace, source, page);
        GC.KeepAlive(this);
        return read;
    }

    private static FoldWorkspace MakeWorkspace(FoldTables tables, MatchDictionary? dictionary, int maxLength)
    {
        FoldWorkspace workspace = new(maxLength, MatchFinder.TableBytes<TShape>(), tables.Definition.Dictionary.Span,
            TLevel.Candidates > 1 && dictionary is not null ? dictionary.Candidates : default);
        GC.KeepAlive(dictionary);
        return workspace;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_workspace.Match.IsDisposed)
        {
            _workspace.Dispose();
            tables.EndUse();
        }
        base.Dispose(disposing);
    }
}
