using System.Diagnostics.CodeAnalysis;
using PageFold.Caching.Coding;
using PageFold.Caching.Entries;

namespace PageFold.Caching.Saving;

/// <summary>
/// The tables of a file while it is loaded. The cache takes them over where it can, and values are stored as they are; otherwise they serve
/// to decode, and values are compressed anew.
/// </summary>
/// <remarks>
/// All memory is charged. Used by one thread. All calls come inside the heap, but for <see cref="Dispose"/>.
/// </remarks>
[SuppressMessage("Reliability", "CA2000", Justification = "Dispose disposes them.")]
internal sealed class LoadedTables(CacheParts parts) : IDisposable
{
    // The share of the limit, as a power of two: 2 for a quarter.
    private const int RoomShareShift = 2;

    private readonly CodecVersion?[] _versions = new CodecVersion?[byte.MaxValue + 1];
    private readonly PageCodecContext?[] _contexts = new PageCodecContext?[byte.MaxValue + 1];
    private readonly PageCodec?[] _codecs = new PageCodec?[byte.MaxValue + 1];
    private long _charged;

    private ValueCoding Coding => parts.Coding;

    /// <summary>
    /// Takes tables over, or makes a context that decodes with them. Without memory for either, their entries are refused.
    /// </summary>
    public void Add(byte number, byte[] tables, bool isCurrent)
    {
        if (_versions[number] is not null || _contexts[number] is not null)
            return;
        if (Coding.Options.Compresses)
            _versions[number] = TryAdopt(tables, isCurrent && Coding.Options.Trains);
        if (_versions[number] is null)
            TryMakeContext(number, tables);
    }

    /// <summary>The form that chunks of a form of the file have in the cache; null if they are to be compressed anew.</summary>
    public ValueForm? FormOf(ValueForm form)
    {
        if (!form.IsCounted)
            return form.IsRaw || Coding.Options.Compresses ? form : null;
        return _versions[form.Number] is { } version ? new ValueForm(version.Number) : null;
    }

    /// <summary>Decodes a chunk; false if the tables are not there, or it is none of theirs.</summary>
    public bool TryDecode(ValueForm form, ReadOnlySpan<byte> stored, Span<byte> value)
    {
        if (_contexts[form.Number] is { } context)
            return context.TryDecompress(stored, value);
        if (form.IsCounted && _versions[form.Number] is null)
            return false;
        ValueCoder coder = Coding.Take();
        try
        {
            return coder.TryDecode(form.IsCounted ? new ValueForm(_versions[form.Number]!.Number) : form, stored, [], value);
        }
        finally
        {
            Coding.Return(coder);
        }
    }

    public void Dispose()
    {
        foreach (PageCodecContext? context in _contexts)
            context?.Dispose();
        foreach (PageCodec? codec in _codecs)
            codec?.FreeShared();
        // Where the cache was disposed, its tables and charges are gone.
        if (!parts.Store.Heap.TryEnter(out HeapAccess access))
            return;
        using (access)
        {
            foreach (CodecVersion? version in _versions)
            {
                if (version is not null)
                    Coding.Release(new ValueForm(version.Number));
            }
            Coding.Memory.Release(_charged);
        }
    }

    private CodecVersion? TryAdopt(byte[] tables, bool mayBeCurrent)
    {
        // Once more with room, unless it is not room that is missing.
        return Coding.TryAdopt(tables, mayBeCurrent)
            ?? (!Coding.Versions.IsFull && parts.Eviction.TryMakeRoomForTables(round: 0) ? Coding.TryAdopt(tables, mayBeCurrent) : null);
    }

    /// <summary>Evicts for tables that serve only to decode, unless they would take more than a quarter of the limit.</summary>
    /// <remarks>What is there may be newer than the file, and a file may have many tables.</remarks>
    private bool MakeRoom(long bytes) =>
        _charged + bytes <= parts.Store.Heap.MemoryLimit >> RoomShareShift
        && parts.Eviction.TryTrim(parts.Store.Heap.MemoryLimit - bytes);

    private void TryMakeContext(byte number, byte[] tables)
    {
        PageCodec codec = PageCodec.Fold(Coding.Options.Level, tables);
        PageCodecContext? context = null;
        try
        {
            context = codec.CreateContext(Chunks.Length);
            long bytes = context.Bytes + codec.SharedBytes + tables.Length;
            if (!Coding.Memory.TryCharge(bytes) && !(MakeRoom(bytes) && Coding.Memory.TryCharge(bytes)))
                return;
            _charged += bytes;
            (_codecs[number], _contexts[number], context) = (codec, context, null);
        }
        catch (Exception e) when (e is OutOfMemoryException or InsufficientMemoryException)
        {
            // Its entries are refused.
        }
        finally
        {
            context?.Dispose();
            if (_contexts[number] is null)
                codec.FreeShared();
        }
    }
}
