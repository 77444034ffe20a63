using System.Diagnostics;

namespace PageFold.Tests.Compression.Fold;

/// <summary>A codec for <see cref="CodecFuzz"/>.</summary>
/// <param name="Name">Its name in reports.</param>
/// <param name="Codec">The codec that writes the valid streams, and reads the damaged ones.</param>
/// <param name="Other">A codec that must read every stream, a damaged one too, as the first one does.</param>
/// <param name="Dictionary">What precedes its texts; empty for nothing.</param>
/// <param name="Craft">Makes streams that no encoder writes, and that get far into the decoder; null for none.</param>
internal sealed record FuzzedCodec(
    string Name, PageCodec Codec, PageCodec Other, ReadOnlyMemory<byte> Dictionary, CraftStream? Craft = null);

/// <summary>Writes a stream for a text of a length; returns the stream's length.</summary>
internal delegate int CraftStream(Span<byte> target, int length, ref Dice dice);

/// <summary>Damaged streams for one codec and one page size; everything that a decoder touches lies between guard pages.</summary>
/// <remarks>
/// Each stream is read by two contexts. They have read and written other pages before, have their memory at different ends of guard pages,
/// and may use different instructions. So what a stream gives depends on nothing but the stream if both say the same.
/// </remarks>
internal sealed class CodecFuzz : IDisposable
{
    private const int ValidStreams = 60;
    private const int HistoryEvery = 64;
    private const int CraftedEvery = 8;

    private readonly FuzzedCodec _fuzzed;
    private readonly int _pageSize;
    private readonly GuardedContext _first;
    private readonly GuardedContext _second;
    private readonly GuardedMemory _source;
    private readonly GuardedMemory _page;
    private readonly GuardedMemory _otherPage;
    private readonly byte[] _text;
    private readonly byte[] _packed;
    private readonly byte[] _mutated;
    private readonly List<(byte[] Stream, int Length)> _valid = [];

    public CodecFuzz(FuzzedCodec fuzzed, int pageSize)
    {
        (_fuzzed, _pageSize) = (fuzzed, pageSize);
        _first = new GuardedContext(fuzzed.Codec, pageSize, atEnd: true);
        _second = new GuardedContext(fuzzed.Other, pageSize, atEnd: false);
        int most = fuzzed.Codec.MaxCompressedLength(pageSize) + 600;
        _source = new GuardedMemory(most);
        _page = new GuardedMemory(pageSize);
        _otherPage = new GuardedMemory(pageSize);
        _text = new byte[pageSize];
        _packed = new byte[most];
        _mutated = new byte[most];
    }

    /// <summary>Streams that were read, and those of which a page came.</summary>
    public (long Read, long Accepted) Counts { get; private set; }

    /// <summary>Reads damaged streams; everything depends on the seed.</summary>
    public void Run(ulong seed, int streams)
    {
        Dice dice = new(seed);
        MakeValid(ref dice);
        (long read, long accepted) = Counts;
        for (int i = 0; i < streams; i++)
        {
            (byte[] stream, int length) = _valid[dice.Below(_valid.Count)];
            int count = _fuzzed.Craft is { } craft && dice.Below(CraftedEvery) == 0
                ? craft(_mutated, length, ref dice)
                : StreamMutator.Make(_mutated, stream, _valid[dice.Below(_valid.Count)].Stream, ref dice);
            if (dice.Below(50) == 0)
                length = 1 + dice.Below(_pageSize);
            if (i % HistoryEvery == 0)
                ChangeHistory(ref dice);
            read++;
            accepted += Read(_mutated.AsSpan(0, count), length, atEnd: dice.Below(2) == 0) ? 1 : 0;
        }
        Counts = (read, accepted);
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _source.Dispose();
        _page.Dispose();
        _otherPage.Dispose();
    }

    private bool Read(ReadOnlySpan<byte> stream, int length, bool atEnd)
    {
        Span<byte> source = _source.At(atEnd, stream.Length);
        stream.CopyTo(source);
        Span<byte> page = _page.At(atEnd, length);
        Span<byte> otherPage = _otherPage.At(!atEnd, length);
        // What is not written differs.
        page.Fill(0x11);
        otherPage.Fill(0xEE);
        bool read = _first.Context.TryDecompress(source, page);
        bool otherRead = _second.Context.TryDecompress(source, otherPage);
        if (read != otherRead || read && !page.SequenceEqual(otherPage))
        {
            Assert.Fail($"{_fuzzed.Name}, a text of {length} bytes in pages of {_pageSize}: one context says {read}, the other "
                + $"{otherRead}, for {Convert.ToHexString(stream)}");
        }
        return read;
    }

    /// <summary>Lets one context work on a page that the other one does not see.</summary>
    private void ChangeHistory(ref Dice dice)
    {
        PageCodecContext context = dice.Below(2) == 0 ? _first.Context : _second.Context;
        Contents.Fill(_text, dice.Below(Contents.Kinds.Length), dice.Next(), _fuzzed.Dictionary.Span);
        Debug.Assert(_packed.Length >= _text.Length);
        Assert.True(context.TryCompress(_text, _packed, out int written));
        if (dice.Below(2) == 0)
            Assert.True(context.TryDecompress(_packed.AsSpan(0, written), _page.AtEnd(_pageSize)));
    }

    private void MakeValid(ref Dice dice)
    {
        _valid.Clear();
        for (int i = 0; i < ValidStreams; i++)
        {
            int length = dice.Below(3) == 0 ? 1 + dice.Below(_pageSize) : _pageSize;
            Span<byte> text = _text.AsSpan(0, length);
            Contents.Fill(text, i % Contents.Kinds.Length, dice.Next(), _fuzzed.Dictionary.Span);
            Assert.True(_first.Context.TryCompress(text, _packed, out int written));
            _valid.Add((_packed[..written], length));
        }
    }
}
