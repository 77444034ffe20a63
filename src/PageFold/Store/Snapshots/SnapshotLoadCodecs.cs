using System.Diagnostics.CodeAnalysis;
using PageFold.Compression;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// The codecs of a snapshot while it is loaded: those that the store has, or takes over, and those that serve for reading alone.
/// Thread-safe.
/// </summary>
/// <remarks>
/// What the store has is decompressed with its own codec streams. A codec that serves for reading alone has a context in each thread's
/// buffers.
/// </remarks>
internal sealed class SnapshotLoadCodecs(SnapshotLoader loader, SnapshotReader reader, bool restoreCodecs) : IDisposable
{
    private const int NotHeld = -1;

    // A codec that was not looked for yet, too.
    private readonly int[] _numbers = [NotHeld, NotHeld, NotHeld, NotHeld];
    private readonly PageCodec?[] _codecs = new PageCodec?[PageWord.MaxCodecs];
    private readonly Lock _lock = new();
    private long _charged;

    /// <summary>True if a codec was found or made already, so that its memory is charged.</summary>
    public bool IsKnown(int codec) => Volatile.Read(ref _codecs[codec]) is not null;

    /// <summary>True if pages of these codecs are stored as they are, as far as that is known yet.</summary>
    public bool AreTakenOver(IEnumerable<int> codecs) =>
        codecs.All(codec => IsKnown(codec) ? _numbers[codec] != NotHeld : restoreCodecs);

    /// <summary>Makes a codec ready for the thread with these buffers.</summary>
    /// <param name="buffers">The thread's buffers.</param>
    /// <param name="codec">The codec's number in the snapshot.</param>
    /// <param name="tryMakeRoom">Makes room in the store; false if there is none to make.</param>
    /// <param name="sufficient">A limit that suffices; zero if none is known.</param>
    /// <returns>False if the snapshot has no codec of that number.</returns>
    /// <exception cref="MemoryLimitException">There is no memory for the codec.</exception>
    public bool TryPrepare(SnapshotLoadBuffers buffers, int codec, Func<bool> tryMakeRoom, long sufficient)
    {
        if (Volatile.Read(ref _numbers[codec]) != NotHeld || buffers.Context(codec) is not null)
            return true;
        if (reader.Header.Codecs[codec] is not { } entry)
            return false;
        // A codec may be met when the pages before have filled memory.
        while (!TryMake(buffers, codec, entry, out long needed))
        {
            if (!tryMakeRoom())
                throw SnapshotThrow.NoMemoryForContext(entry.Name, entry.TrainedBytes, needed, loader.Index.Budget.Limit, sufficient);
            // What pages have left is free for pages alone until then.
            loader.Index.Compact(CancellationToken.None);
        }
        return true;
    }

    /// <summary>Decompresses a page to the buffers; false if its bytes are damaged. The codec is prepared.</summary>
    /// <param name="buffers">The thread's buffers.</param>
    /// <param name="codec">The codec's number in the snapshot.</param>
    /// <param name="bytes">The stored bytes.</param>
    /// <param name="number">The codec's number in the store; null if pages are to be compressed anew.</param>
    public bool TryDecompress(SnapshotLoadBuffers buffers, int codec, ReadOnlySpan<byte> bytes, out int? number)
    {
        int held = Volatile.Read(ref _numbers[codec]);
        number = held == NotHeld ? null : held;
        return held == NotHeld
            ? buffers.Context(codec)!.TryDecompress(bytes, buffers.Page)
            : loader.Codecs.TryDecompress(held, bytes, buffers.Page);
    }

    public void Dispose()
    {
        foreach (int number in _numbers)
        {
            if (number != NotHeld)
                loader.Codecs.EndHold(number);
        }
        loader.Index.Budget.Release(_charged);
    }

    /// <summary>Finds the codec, and makes a context if the store does not have it; false when there is no memory.</summary>
    private bool TryMake(SnapshotLoadBuffers buffers, int number, SnapshotCodecEntry entry, out long needed)
    {
        lock (_lock)
        {
            if (_codecs[number] is null && !TryFind(number, entry, out needed))
                return false;
        }
        needed = 0;
        return _numbers[number] != NotHeld || buffers.TryMakeContext(number, _codecs[number]!, out needed) is not null;
    }

    /// <summary>
    /// Finds the codec of the snapshot's number: one that the store has, or else its own, which the store takes over or which serves for
    /// reading alone.
    /// </summary>
    /// <remarks>Charged before it is read and before it is made: what a file says costs nothing beyond the limit.</remarks>
    private bool TryFind(int number, SnapshotCodecEntry entry, out long needed)
    {
        if (!CodecDescription.IsPossible(entry.Name, entry.Level, entry.DictionaryBytes, entry.IsOfLibrary))
            Refuse(entry);
        long charged = 0;
        try
        {
            if (!TryCharge(ref charged, needed = entry.DictionaryBytes))
                return false;
            byte[] dictionary = ZstdCodec.AllocateDictionary(entry.DictionaryBytes);
            reader.ReadDictionary(entry, dictionary);
            PageCodec? known = loader.Codecs.Find(new CodecDescription(entry.Name, entry.Level, dictionary, entry.IsOfLibrary));
            if ((known ?? Make(entry, dictionary, ref charged, out needed)) is not { } codec)
                return false;
            // Held, or else its number might be given away before there are pages with it.
            int held = NotHeld;
            if (known is not null || restoreCodecs)
            {
                needed = codec.SharedBytes + codec.MaxContextBytes(loader.Index.PageSize);
                held = loader.Codecs.TryHold(codec, ref charged);
            }
            if (held == NotHeld)
                (_charged, charged) = (_charged + charged, 0);
            Volatile.Write(ref _numbers[number], held);
            Volatile.Write(ref _codecs[number], codec);
            return true;
        }
        catch (MemoryLimitException)
        {
            needed = CodecDescription.MaxSharedBytes(entry.Name, entry.Level, entry.DictionaryBytes);
            return false;
        }
        finally
        {
            loader.Index.Budget.Release(charged);
        }
    }

    /// <summary>Makes the codec; null when there is no memory for it.</summary>
    private PageCodec? Make(SnapshotCodecEntry entry, byte[] dictionary, ref long charged, out long needed)
    {
        needed = CodecDescription.MaxSharedBytes(entry.Name, entry.Level, entry.DictionaryBytes);
        if (!TryCharge(ref charged, needed))
            return null;
        PageCodec? codec = CodecDescription.TryMake(entry.Name, entry.Level, dictionary, entry.IsOfLibrary);
        if (codec is null)
            Refuse(entry);
        return TryCharge(ref charged, needed = codec.SharedBytes) ? codec : null;
    }

    private bool TryCharge(ref long charged, long bytes) => loader.Index.Budget.TryAdjust(ref charged, bytes);

    [DoesNotReturn]
    private void Refuse(SnapshotCodecEntry entry) =>
        reader.Damaged(0, $"there is no codec {entry.Name} of level {entry.Level} with a dictionary of {entry.DictionaryBytes} bytes");
}
