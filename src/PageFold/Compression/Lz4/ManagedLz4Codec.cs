using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Lz4;

/// <summary>LZ4 blocks by this library's own code.</summary>
/// <remarks>
/// The format is that of <see cref="NativeLz4Codec"/>, so each reads what the other wrote. With a dictionary, blocks are those of liblz4's
/// functions for dictionaries.
/// </remarks>
internal sealed class ManagedLz4Codec : PageCodec
{
    /// <summary>The longest page.</summary>
    public const int MaxPageSize = 64 << 10;

    private const int MaxSmall = 4 << 10;

    private readonly InstructionPath _path;
    private readonly byte[] _content;
    private readonly MatchDictionary? _small;
    private readonly MatchDictionary? _large;

    /// <summary>Makes a codec without a dictionary that uses the most capable instructions.</summary>
    public ManagedLz4Codec(string name)
        : this(name, default, InstructionPaths.Best)
    {
    }

    /// <param name="name">The codec's name.</param>
    /// <param name="dictionary">Content that precedes each page; only the last 64 KiB count. It is copied; empty for none.</param>
    /// <param name="path">The instructions to use.</param>
    public ManagedLz4Codec(string name, ReadOnlySpan<byte> dictionary, InstructionPath path)
    {
        (Name, _path) = (name, path);
        _content = dictionary[Math.Max(0, dictionary.Length - MatchDictionary.MaxLength)..].ToArray();
        if (_content.Length == 0)
            return;
        _small = MatchDictionary.Make<SmallShape>(_content, hasCandidates: false);
        _large = MatchDictionary.Make<LargeShape>(_content, hasCandidates: false);
        SharedBytes = _content.Length + _small.Bytes + _large.Bytes;
    }

    public override string Name { get; }

    public override string Implementation => "PageFold LZ4";

    public override bool IsFast => true;

    public override long SharedBytes { get; }

    public override int MaxCompressedLength(int pageSize) => Lz4Format.MaxLength(pageSize);

    public override PageCodecContext CreateContext(int pageSize)
    {
        CodecThrow.IfPageSizeInvalid(pageSize, MaxPageSize);
        return _path switch
        {
            InstructionPath.Avx2 => Create<Avx2Path>(pageSize),
            InstructionPath.Avx2WithoutDeposit => Create<Avx2WithoutDepositPath>(pageSize),
            InstructionPath.Vector128 => Create<Vector128Path>(pageSize),
            _ => Create<ScalarPath>(pageSize),
        };
    }

    internal override long MaxContextBytes(int pageSize) => pageSize <= MaxSmall
        ? Lz4Workspace.BytesFor(pageSize, MatchFinder.TableBytes<SmallShape>(), _content.Length)
        : Lz4Workspace.BytesFor(pageSize, MatchFinder.TableBytes<LargeShape>(), _content.Length);

    internal override CodecDescription? Describe(int pageSize) => _content.Length == 0 ? new(Name, 0, default) : null;

    private PageCodecContext Create<TPath>(int pageSize)
        where TPath : struct, IInstructionPath => pageSize <= MaxSmall
        ? new Lz4Context<TPath, SmallShape>(pageSize, _content, _small)
        : new Lz4Context<TPath, LargeShape>(pageSize, _content, _large);
}
