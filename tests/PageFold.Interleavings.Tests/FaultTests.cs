namespace PageFold.Interleavings;

public class FaultTests
{
    /// <summary>
    /// A fault whose lines the library no longer has proves nothing. Its file in the folder Planted says what it is about; give it the new
    /// lines.
    /// </summary>
    [Fact]
    public void Every_fault_is_planted() => Assert.Empty(Fault.Missing);
}
