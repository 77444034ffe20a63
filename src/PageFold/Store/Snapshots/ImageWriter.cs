using PageFold.Frames;
using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// Writes preserved pages as a raw image: each decompressed, at its offset, and holes where nothing or nothing but zeros is stored. Pages
/// in sequence are written at once.
/// </summary>
internal sealed class ImageWriter : SnapshotTarget
{
    private readonly StoreCodecs _codecs;
    private readonly int _pageSize;
    private readonly MemoryBudget _budget;
    private readonly long _length;
    private readonly NativeBuffer _run;
    private long _runOffset;
    private int _runLength;

    private ImageWriter(SnapshotOutput output, StoreCodecs codecs, int pageSize, long length, MemoryBudget budget, NativeBuffer run)
        : base(output)
    {
        _codecs = codecs;
        _pageSize = pageSize;
        _budget = budget;
        _length = length;
        _run = run;
    }

    /// <summary>Makes the buffer; null when there is no memory for it.</summary>
    public static ImageWriter? TryMake(SnapshotOutput output, StoreCodecs codecs, int pageSize, long length, SnapshotMemory memory) =>
        NativeBuffer.TryAllocate(memory.Budget, memory.BufferBytes, out NativeBuffer run)
            ? new ImageWriter(output, codecs, pageSize, length, memory.Budget, run)
            : null;

    public override void Begin(DateTimeOffset created) => Output.Begin(_length);

    public override void Write(RecordBuffer records)
    {
        ReadOnlySpan<byte> payload = records.Payload;
        for (int position = 0; position < payload.Length;)
        {
            if (!SnapshotFormat.TryReadRecord(
                payload, ref position, _pageSize, out uint page, out StoredPage form, out ReadOnlySpan<byte> bytes, out _))
                IndexThrow.PageIsCorrupt(page);
            WritePage(page, form, bytes);
        }
    }

    public override long Complete()
    {
        WriteRun();
        return _length;
    }

    public override void Free() => _run.Free(_budget);

    private void WritePage(uint page, in StoredPage form, ReadOnlySpan<byte> bytes)
    {
        long offset = (long)page * _pageSize;
        if (offset >= _length || form.Kind == StoredKind.SameFilled && form.Fill == 0)
            return;
        if (offset != _runOffset + _runLength || _run.Length - _runLength < _pageSize)
        {
            WriteRun();
            _runOffset = offset;
        }
        Span<byte> target = _run.Span.Slice(_runLength, _pageSize);
        if (form.Kind == StoredKind.SameFilled)
            SameFilled.Fill(target, form.Fill);
        else if (form.Kind == StoredKind.Incompressible)
            bytes.CopyTo(target);
        else if (!_codecs.TryDecompress(form.Codec, bytes, target))
            IndexThrow.PageIsCorrupt(page);
        // The last page may lie within the image in part.
        _runLength += (int)Math.Min(_pageSize, _length - offset);
    }

    private void WriteRun()
    {
        if (_runLength > 0)
            Output.Write(_runOffset, _run.Span[.._runLength]);
        _runLength = 0;
    }
}
