using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Recompression;

/// <summary>Compresses stored pages again with another codec, which is made known, and for which others are retired if so asked.</summary>
internal sealed class Recompressor(PageIndex index, StoreCodecs codecs, CodecRetirer retirer, int incompressibleAbove)
{
    /// <summary>Runs a recompression: see <see cref="PageStore.Recompress"/>. The caller has checked the options.</summary>
    public RecompressionResult Run(RecompressionOptions options, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        Retirements retired = new(options.MaxPages);
        RecompressionPass pass;
        // Before pages are moved to free a number.
        long bytesBefore = index.ReadStoredBytes();
        int codec = options.RetireOthers
            ? retirer.HoldWithRetirement(options.Codec, retired, cancellationToken)
            : codecs.Hold(options.Codec);
        if (codec < 0)
            return WithoutNumber(retired, bytesBefore);
        try
        {
            pass = new RecompressionPass(index, codecs.Streams, codec, options, incompressibleAbove);
            PageWalk walk = new(index.Counters.Read(StoreCounter.Pages), progress);
            while (!pass.IsAtEnd && !cancellationToken.IsCancellationRequested && pass.Step(ref walk))
                walk.Report();
            if (options.RetireOthers)
            {
                NoteLatest(codec, pass.Converted);
                retirer.RetireEarlierDictionaries(codec, retired, cancellationToken);
            }
            progress?.Report(1);
        }
        finally
        {
            codecs.EndHold(codec);
        }
        if (options.RetireOthers)
            retirer.ForgetEmptied();
        int number = codecs.NumberOfSame(options.Codec);
        return new RecompressionResult
        {
            Examined = pass.Examined,
            Recompressed = pass.Converted,
            WithoutGain = pass.WithoutGain,
            Skipped = pass.Skipped,
            BytesBefore = bytesBefore,
            BytesAfter = bytesBefore - pass.BytesGained - retired.BytesGained,
            Moved = retired.Moved,
            NotMoved = retired.NotMoved,
            Number = number < 0 ? null : number,
            NotRetired = retired.Describe(index.PageSize),
            RetirementStopped = retired.Stopped,
            CodecsRetired = retired.Codecs,
            WasCancelled = cancellationToken.IsCancellationRequested,
        };
    }

    private RecompressionResult WithoutNumber(Retirements retired, long bytesBefore) => new()
    {
        Examined = 0,
        Recompressed = 0,
        WithoutGain = 0,
        Skipped = 0,
        BytesBefore = bytesBefore,
        BytesAfter = bytesBefore - retired.BytesGained,
        Moved = retired.Moved,
        NotMoved = retired.NotMoved,
        FoundNumber = false,
        NotRetired = retired.Describe(index.PageSize),
        RetirementStopped = retired.Stopped,
        CodecsRetired = retired.Codecs,
    };

    /// <summary>Notes which codec a recompression has made pages denser with, so that the next one does not undo that.</summary>
    private void NoteLatest(int number, long recompressed)
    {
        if (recompressed == 0)
            return;
        lock (codecs.Table.Changes)
            codecs.Table.Latest = number;
    }
}
