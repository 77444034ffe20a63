using System.Diagnostics;
using System.IO.Hashing;
using PageFold.Cli.Bench.Store;
using PageFold.Cli.Data;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench.Layers;

/// <summary>Splits the time of a store and of a load into layers, by leaving out one part after the other.</summary>
/// <remarks>
/// The parts: the codec alone; the checksum alone; the copy alone; a store whose codec takes no time and that writes the same pages again
/// (no allocation); the same with other pages (allocation and freeing); and the whole. One thread, random order, warm memory; in turns, as
/// in <see cref="StoreBench"/>.
/// </remarks>
internal sealed class LayersBench
{
    private const int Seed = 2026;
    private const int PagesPerTurn = 32768;
    private const int PagesToWarmUp = 1 << 17;
    private const string Remainder =
        "the whole, less all of the above; below zero where they each paid for misses that it pays once";

    private readonly PageImage _image;
    private readonly NamedCodec _codec;
    private readonly WorkProgress _progress;
    private readonly CancellationToken _cancellation;
    private readonly int[] _toWrite;
    private readonly int[] _toRead;
    private readonly int[] _contents;
    private int _shift;
    private ulong _sink;

    public LayersBench(PageImage image, NamedCodec codec, WorkProgress progress, CancellationToken cancellation)
    {
        _image = image;
        _codec = codec;
        _progress = progress;
        _cancellation = cancellation;
        _toWrite = [.. Enumerable.Range(0, image.Count)];
        _toRead = [.. _toWrite];
        _contents = [.. _toWrite];
        // A fixed seed, so that the order is the same each time.
        Random random = new(Seed);
        random.Shuffle(_toWrite);
        random.Shuffle(_toRead);
    }

    public LayersReport Execute(string source, int rounds)
    {
        using CodecSubject codec = new(_image, _codec, warm: true);
        using SubjectWorker alone = codec.CreateWorker();
        using PageStore store = new(new PageStoreOptions { PageSize = _image.PageSize, Codec = _codec.Codec });
        InstantCodec none = new([.. codec.Sizes]);
        using PageStore instant = new(new PageStoreOptions { PageSize = _image.PageSize, Codec = none });
        using NativeBytes places = new(codec.Memory.Compressed + _image.PageSize * 2L, Environment.SystemPageSize);
        places.Touch();
        byte[] packed = GC.AllocateArray<byte>(_codec.Codec.MaxCompressedLength(_image.PageSize), pinned: true);
        byte[] page = GC.AllocateArray<byte>(_image.PageSize, pinned: true);
        codec.Prepare(_contents);
        alone.Write(_contents, _contents);
        Fill(store, none);
        Fill(instant, none);

        Part codecWrite = new((places, contents) => alone.Write(places, contents));
        Part checksum = new((_, contents) => Checksum(codec, packed, contents));
        Part copy = new((_, contents) => Copy(codec, packed, places, contents));
        Part again = new((order, contents) => Write(instant, none, order, contents));
        Part other = new((order, contents) => Write(instant, none, order, contents));
        Part whole = new((order, contents) => Write(store, none, order, contents));
        Part codecRead = new((places, contents) => alone.Read(places, contents));
        Part find = new((order, _) => Find(instant, order));
        Part load = new((order, _) => Read(instant, order, page));
        Part wholeLoad = new((order, _) => Read(store, order, page));
        // For the compiler: enough executions of everything, with small data too.
        int warmUps = Math.Max(1, PagesToWarmUp / _image.Count);
        _progress.Begin("Measuring in turns", (rounds + (long)warmUps) * 5 * _image.Count);
        for (int round = 0; round < warmUps + rounds; round++)
        {
            if (round == warmUps)
                Clear(codecWrite, checksum, copy, again, other, whole, codecRead, find, load, wholeLoad);
            InTurns(_toWrite, again);
            Shift(codec);
            InTurns(_toWrite, codecWrite, checksum, copy, other, whole);
            InTurns(_toRead, codecRead, find, load, wholeLoad);
            foreach (Part part in (Part[])[codecWrite, checksum, copy, again, other, whole, codecRead, find, load, wholeLoad])
                part.EndRound(_image.Count);
        }
        GC.KeepAlive(_sink);
        return new LayersReport
        {
            Source = source,
            Pages = _image.Count,
            PageSize = _image.PageSize,
            Algorithm = _codec.Algorithm,
            Implementation = _codec.Implementation,
            Rounds = rounds,
            Verified = Verify(store, page),
            Store = new LayersOperation(whole.Nanoseconds,
            [
                new Layer("compress", codecWrite.Nanoseconds, "the codec alone, straight to its place"),
                new Layer("checksum", checksum.Nanoseconds, "XXH3 of the result, in the cache"),
                new Layer("copy to its place", copy.Nanoseconds, "of the result, into memory that is in no cache"),
                new Layer("slot, rundown gate, counters", again.Nanoseconds - checksum.Nanoseconds - copy.Nanoseconds,
                    "a store without a codec that writes the same pages again, less checksum and copy"),
                new Layer("allocate and free", other.Nanoseconds - again.Nanoseconds, "the same store with other pages, less that"),
                new Layer("rest", whole.Nanoseconds - codecWrite.Nanoseconds - other.Nanoseconds, Remainder),
            ]),
            Load = new LayersOperation(wholeLoad.Nanoseconds,
            [
                new Layer("decompress", codecRead.Nanoseconds, "the codec alone, at random"),
                new Layer("rundown gate, find the slot", find.Nanoseconds, "PageStore.Contains, at random"),
                new Layer("pin, locate, join, checksum", load.Nanoseconds - find.Nanoseconds,
                    "a store without a codec, less that; its misses are the codec's too"),
                new Layer("rest", wholeLoad.Nanoseconds - codecRead.Nanoseconds - load.Nanoseconds, Remainder),
            ]),
        };
    }

    private static void Clear(params Part[] parts)
    {
        foreach (Part part in parts)
            part.Clear();
    }

    private void Fill(PageStore store, InstantCodec codec)
    {
        for (int page = 0; page < _image.Count; page++)
        {
            codec.Next = page;
            if (store.Write(page, _image[page]) == StoreOutcome.Full)
                throw new UserErrorException($"a store of {ByteSize.Format(store.MemoryLimit)} is full; choose less data with --sample.");
        }
    }

    private void Shift(CodecSubject codec)
    {
        _shift = (_shift + _image.Count / 3 + 1) % _image.Count;
        for (int place = 0; place < _contents.Length; place++)
            _contents[place] = (place + _shift) % _image.Count;
        codec.Prepare([.. _toWrite.Select(place => _contents[place])]);
    }

    private void InTurns(int[] order, params Part[] parts)
    {
        int[] contents = [.. order.Select(place => _contents[place])];
        int turn = 0;
        for (int from = 0; from < order.Length; from += PagesPerTurn, turn++)
        {
            int length = Math.Min(PagesPerTurn, order.Length - from);
            for (int i = 0; i < parts.Length; i++)
                parts[(i + turn) % parts.Length].Run(order.AsSpan(from, length), contents.AsSpan(from, length));
            _progress.Add(length * parts.Length / 2);
            _cancellation.ThrowIfCancellationRequested();
        }
    }

    private void Checksum(CodecSubject codec, byte[] packed, ReadOnlySpan<int> contents)
    {
        foreach (int content in contents)
            _sink += XxHash3.HashToUInt64(packed.AsSpan(0, codec.Sizes[content]));
    }

    private static void Copy(CodecSubject codec, byte[] packed, NativeBytes places, ReadOnlySpan<int> contents)
    {
        foreach (int content in contents)
            packed.AsSpan(0, codec.Sizes[content]).CopyTo(places.Slice(codec.PlaceOf(content), codec.Sizes[content]));
    }

    private void Write(PageStore store, InstantCodec codec, ReadOnlySpan<int> order, ReadOnlySpan<int> contents)
    {
        for (int i = 0; i < order.Length; i++)
        {
            codec.Next = contents[i];
            store.Write(order[i], _image[contents[i]]);
        }
    }

    private static void Read(PageStore store, ReadOnlySpan<int> order, byte[] page)
    {
        foreach (int place in order)
            store.TryRead(place, page);
    }

    /// <summary>True if every place returns what was written there last.</summary>
    private bool Verify(PageStore store, byte[] page)
    {
        for (int place = 0; place < _contents.Length; place++)
        {
            if (!store.TryRead(place, page) || !_image[_contents[place]].SequenceEqual(page))
                return false;
        }
        return true;
    }

    private void Find(PageStore store, ReadOnlySpan<int> order)
    {
        foreach (int place in order)
            _sink += store.Contains(place) ? 1u : 0u;
    }

    private delegate void Work(ReadOnlySpan<int> places, ReadOnlySpan<int> contents);

    /// <summary>A part that is timed, turn by turn and round by round.</summary>
    private sealed class Part(Work work)
    {
        private readonly List<double> _rounds = [];
        private long _ticks;

        public double Nanoseconds => Spread.Of(_rounds).Median;

        public void Run(ReadOnlySpan<int> places, ReadOnlySpan<int> contents)
        {
            long begin = Stopwatch.GetTimestamp();
            work(places, contents);
            _ticks += Stopwatch.GetTimestamp() - begin;
        }

        public void EndRound(int pages)
        {
            _rounds.Add(1e9 * _ticks / Stopwatch.Frequency / pages);
            _ticks = 0;
        }

        public void Clear() => _rounds.Clear();
    }
}
