using PageFold.Frames;

namespace PageFold.Store;

/// <summary>
/// Writes preserved pages as a raw image: each decompressed, at its offset, and holes where nothing or nothing but zeros is stored. Pages in sequence are written at once.
/// </summary>
internal sealed class ImageWriter : SnapshotTarget
{
    private const int RunBytes = 1 << 20;

    private readonly PageStore _store;
    private readonly MemoryBudget _budget;
    private readonly long _length;
    private readonly NativeBuffer _run;
    private readonly ChargedContext[] _contexts;
    private long _runOffset;
    private int _runLength;

    private ImageWriter(SnapshotOutput output, PageStore store, long length, NativeBuffer run, ChargedContext[] contexts)
        : base(output)
    {
        _store = store;
        _budget = store.Budget;
        _length = length;
        _run = run;
        _contexts = contexts;
    }

    /// <summary>Makes buffers, and contexts for the codecs; null when there is no memory for them.</summary>
    public static ImageWriter? TryMake(SnapshotOutput output, PageStore store, long length, PageCodec?[] codecs)
    {
        ChargedContext[] contexts = new ChargedContext[codecs.Length];
        bool complete = NativeBuffer.TryAllocate(store.Budget, RunBytes, out NativeBuffer run);
        try
        {
            for (int number = 0; complete && number < codecs.Length; number++)
            {
                long bytes = 0;
                complete = codecs[number] is not { } codec || ChargedContext.TryMake(store.Budget, codec, store.PageSize, ref bytes, out contexts[number]);
            }
        }
        catch
        {
            complete = false;
            throw;
        }
        finally
        {
            if (!complete)
                Free(store.Budget, run, contexts);
        }
        return complete ? new ImageWriter(output, store, length, run, contexts) : null;
    }

    public override void Begin(DateTimeOffset created) => Output.Begin(_length);

    public override void Write(RecordBuffer records)
    {
        ReadOnlySpan<byte> payload = records.Payload;
        for (int position = 0; position < payload.Length;)
        {
            if (!SnapshotFormat.TryReadRecord(payload, ref position, _store.PageSize, out uint page, out StoredPage form, out ReadOnlySpan<byte> bytes, out _))
                Throw.PageIsCorrupt(page);
            WritePage(page, form, bytes);
        }
    }

    public override long Complete()
    {
        WriteRun();
        return _length;
    }

    public override void Dispose()
    {
        base.Dispose();
        Free(_budget, _run, _contexts);
    }

    private static void Free(MemoryBudget budget, NativeBuffer run, ChargedContext[] contexts)
    {
        foreach (ChargedContext context in contexts)
            context.Free(budget);
        run.Free(budget);
    }

    private void WritePage(uint page, in StoredPage form, ReadOnlySpan<byte> bytes)
    {
        long offset = (long)page * _store.PageSize;
        if (offset >= _length || form.Kind == StoredKind.SameFilled && form.Fill == 0)
            return;
        if (offset != _runOffset + _runLength || _run.Length - _runLength < _store.PageSize)
        {
            WriteRun();
            _runOffset = offset;
        }
        Span<byte> target = _run.Span.Slice(_runLength, _store.PageSize);
        if (form.Kind == StoredKind.SameFilled)
            SameFilled.Fill(target, form.Fill);
        else if (form.Kind == StoredKind.Incompressible)
            bytes.CopyTo(target);
        else if (!_contexts[form.Codec].Context.TryDecompress(bytes, target))
            Throw.PageIsCorrupt(page);
        // The last page may lie within the image in part.
        _runLength += (int)Math.Min(_store.PageSize, _length - offset);
    }

    private void WriteRun()
    {
        if (_runLength > 0)
            Output.Write(_runOffset, _run.Span[.._runLength]);
        _runLength = 0;
    }
}
