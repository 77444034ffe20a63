using System.Diagnostics.CodeAnalysis;
using PageFold.Frames;

namespace PageFold.Store.Log;

/// <summary>A record in a <see cref="WritebackBatch"/>: where its page was when it was copied.</summary>
/// <param name="Page">The page.</param>
/// <param name="Word">What its slot held.</param>
/// <param name="Offset">Where in the batch the record begins.</param>
internal readonly record struct BatchEntry(uint Page, ulong Word, int Offset)
{
    /// <summary>Bytes of the record.</summary>
    public int Bytes => RecordFormat.Bytes(Allocation.SlotWord.Size(Word));
}

/// <summary>Records one after the other, on their way to the file, and what is known of them. Used by one writeback at a time.</summary>
internal sealed unsafe class WritebackBatch
{
    private const int MaxBytes = 256 << 10;
    private const int MaxEntries = 512;

    private readonly NativeBuffer _bytes;
    private readonly NativeBuffer _entries;

    private WritebackBatch(NativeBuffer bytes, NativeBuffer entries, int pageSize)
    {
        _bytes = bytes;
        _entries = entries;
        MaxRecord = RecordFormat.Bytes(pageSize);
    }

    /// <summary>Bytes that the record of a raw page takes.</summary>
    public int MaxRecord { get; }

    public int Count { get; private set; }

    public int Length { get; private set; }

    /// <summary>All that the batch has room for.</summary>
    public Span<byte> Buffer => _bytes.Span;

    public ReadOnlySpan<BatchEntry> Entries => new(_entries.Pointer, Count);

    public bool IsFull => Count == MaxEntries;

    public static bool TryMake(MemoryBudget budget, int pageSize, [NotNullWhen(true)] out WritebackBatch? batch)
    {
        batch = null;
        if (!NativeBuffer.TryAllocate(budget, MaxBytes, out NativeBuffer bytes))
            return false;
        if (!NativeBuffer.TryAllocate(budget, MaxEntries * sizeof(BatchEntry), out NativeBuffer entries))
        {
            bytes.Free(budget);
            return false;
        }
        batch = new WritebackBatch(bytes, entries, pageSize);
        return true;
    }

    public void Free(MemoryBudget budget)
    {
        _bytes.Free(budget);
        _entries.Free(budget);
    }

    public void Clear() => (Count, Length) = (0, 0);

    /// <summary>The stretch in which the next record of a page of so many stored bytes goes; null if there is no room.</summary>
    public byte* Next(int size) => IsFull || Length + RecordFormat.Bytes(size) > _bytes.Length ? null : _bytes.Pointer + Length;

    /// <summary>Takes in the record that was put into the next stretch.</summary>
    public void Add(uint page, ulong word)
    {
        BatchEntry entry = new(page, word, Length);
        ((BatchEntry*)_entries.Pointer)[Count++] = entry;
        Length += entry.Bytes;
    }

    /// <summary>The bytes of a record, header and stored bytes.</summary>
    public ReadOnlySpan<byte> Record(in BatchEntry entry) =>
        new(_bytes.Pointer + entry.Offset, RecordFormat.HeaderBytes + Allocation.SlotWord.Size(entry.Word));
}
