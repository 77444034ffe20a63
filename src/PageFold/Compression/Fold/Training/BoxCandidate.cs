namespace PageFold.Compression.Fold.Training;

/// <summary>A box that training may choose.</summary>
internal sealed class BoxCandidate(BoxSide literals, BoxSide matches, BoxDistance distance)
{
    private readonly int _bits = literals.Bits + matches.Bits + distance.Bits;

    /// <summary>Returns the box.</summary>
    public Box ToBox() => new(
        (ushort)literals.Base, (byte)literals.Bits, (ushort)(matches.Base + Box.MinMatch), (byte)matches.Bits,
        (ushort)distance.Base, (byte)distance.Bits, (byte)distance.Shift, distance.IsRepeat);

    /// <summary>Returns how many bits all sequences would have less with this box.</summary>
    /// <param name="costs">The fewest extra bits of a sequence of each kind so far.</param>
    /// <param name="weights">The number of sequences of each kind.</param>
    public long Gain(long[] costs, long[] weights)
    {
        long gain = 0;
        foreach (int cell in distance.Cells)
        {
            for (int row = literals.From; row < literals.To; row++)
            {
                int place = Cells.Place(cell, row, matches.From);
                ReadOnlySpan<long> old = costs.AsSpan(place, matches.To - matches.From);
                ReadOnlySpan<long> weight = weights.AsSpan(place, old.Length);
                for (int i = 0; i < old.Length; i++)
                {
                    // Without a branch: the difference, or zero if it is negative.
                    long less = old[i] - _bits;
                    gain += (less & ~(less >> 63)) * weight[i];
                }
            }
        }
        return gain;
    }

    /// <summary>Lowers the costs of the sequences that this box says with fewer bits.</summary>
    public void Take(long[] costs)
    {
        foreach (int cell in distance.Cells)
        {
            for (int row = literals.From; row < literals.To; row++)
            {
                for (int i = Cells.Place(cell, row, matches.From); i < Cells.Place(cell, row, matches.To); i++)
                    costs[i] = Math.Min(costs[i], _bits);
            }
        }
    }

    /// <summary>As <see cref="Take(long[])"/>, and keeps the second least costs, and which box has the least ones.</summary>
    public void Take(long[] least, long[] second, int[] owners, int number)
    {
        foreach (int cell in distance.Cells)
        {
            for (int row = literals.From; row < literals.To; row++)
            {
                for (int i = Cells.Place(cell, row, matches.From); i < Cells.Place(cell, row, matches.To); i++)
                {
                    if (_bits < least[i])
                        (second[i], least[i], owners[i]) = (least[i], _bits, number);
                    else
                        second[i] = Math.Min(second[i], _bits);
                }
            }
        }
    }
}
