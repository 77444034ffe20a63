using System.Runtime.CompilerServices;
using PageFold.Compression;
using PageFold.Store.Index;

namespace PageFold.Store.Codecs;

/// <summary>
/// The codecs that a store knew when its counters were read. Taken while all counters are held: a number with pages keeps its codec then,
/// so pages and codecs belong together, and no codec is asked for anything meanwhile.
/// </summary>
internal struct KnownCodecs
{
    private References _codecs;
    private int _forWrites;

    public static KnownCodecs Of(CodecTable codecs)
    {
        KnownCodecs known = default;
        for (int number = 0; number < PageWord.MaxCodecs; number++)
            known._codecs[number] = codecs[number];
        known._forWrites = codecs.ForWrites;
        return known;
    }

    /// <summary>What the codecs say of themselves, with the pages that were counted. Called when no latch is held any more.</summary>
    public readonly IReadOnlyList<CodecUse> Describe(in StoreFigures figures, int pageSize)
    {
        List<CodecUse> uses = new(PageWord.MaxCodecs);
        for (int number = 0; number < PageWord.MaxCodecs; number++)
        {
            if (_codecs[number] is { } codec)
                uses.Add(UseOf(codec, number, figures[StoreCounter.FirstCodec + number], number == _forWrites, pageSize));
        }
        return uses;
    }

    /// <summary>What a codec says of itself, with its pages.</summary>
    public static CodecUse UseOf(PageCodec codec, int number, long pages, bool isForWrites, int pageSize)
    {
        CodecDescription? description = codec.Describe(pageSize);
        return new CodecUse
        {
            Number = number,
            Name = codec.Name,
            Implementation = codec.Implementation,
            Pages = pages,
            IsForWrites = isForWrites,
            Level = description?.Level ?? 0,
            DictionaryBytes = description?.TrainedBytes ?? 0,
        };
    }

    [InlineArray(PageWord.MaxCodecs)]
    private struct References
    {
        private PageCodec? _first;
    }
}
